"""What streams cost on AWS: requests, prices, and the bill that they make."""
