"""What a server tells a monitoring system of itself, in Prometheus' own words at `/metrics`."""
