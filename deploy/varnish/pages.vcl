vcl 4.1;

# Pages of streams, shared, behind an nginx that has checked the token: whoever comes without its
# secret gets nothing. Those who wait for the same page are answered together, when it is there.

backend runstreams {
    .host = "127.0.0.1";
    .port = "8787";
    .first_byte_timeout = 30s;
}

sub vcl_recv {
    if (req.http.X-Stream-Origin-Secret != "put-a-long-random-secret-here") {
        return (synth(403));
    }
    if (req.method != "GET") {
        return (synth(405));
    }
    return (hash);
}

sub vcl_hash {
    hash_data(req.url);
    return (lookup);
}

sub vcl_backend_response {
    # What is no longer fresh is not given out while another is fetched: it would only be older.
    set beresp.grace = 0s;
    set beresp.keep = 60s;
    if (beresp.ttl <= 0s || beresp.http.Cache-Control ~ "no-store") {
        # Whoever waits for this asks by himself, for a second.
        set beresp.ttl = 1s;
        set beresp.uncacheable = true;
    }
    return (deliver);
}
