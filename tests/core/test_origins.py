"""Origins that are written otherwise than browsers write them are understood or refused."""

import pytest

from runstreams.core.origins import origin_of, origins_of

UNDERSTOOD = {
    "https://app.example": "https://app.example",
    "https://app.example/": "https://app.example",
    "HTTPS://App.Example": "https://app.example",
    "https://app.example:443": "https://app.example",
    "http://app.example:80/": "http://app.example",
    "http://app.example:443": "http://app.example:443",
    "http://localhost:5173": "http://localhost:5173",
    "https://bücher.example": "https://xn--bcher-kva.example",
    "http://[::1]:8787": "http://[::1]:8787",
    "http://[::1]": "http://[::1]",
    "http://[0:0:0:0:0:0:0:1]:8787": "http://[::1]:8787",
    "http://127.1:5173": "http://127.0.0.1:5173",
    "http://0x7f000001": "http://127.0.0.1",
    "capacitor://localhost": "capacitor://localhost",
    "chrome-extension://abcdef": "chrome-extension://abcdef",
    "null": "null",
    "*": "*",
}

REFUSED = [
    "app.example",
    "app.example:443",
    "//app.example",
    "https://",
    "https://*.app.example",
    "https://app.example:*",
    "https://app.example/page",
    "https://app.example?query",
    "https://app.example#part",
    "https://user@app.example",
    "https://app.example:65536",
    "https://app.example:0",
    "https://1.2.3.400",
    "https://[::1::2]",
    "https://straße.example",
    "https://app example",
    "https://a..example",
    "https://[::1",
    "**",
]


@pytest.mark.parametrize(("written", "sent"), UNDERSTOOD.items())
def test_an_origin_is_taken_as_a_browser_sends_it(written: str, sent: str) -> None:
    assert origin_of(written) == sent


@pytest.mark.parametrize("written", REFUSED)
def test_what_no_browser_sends_is_refused_and_named(written: str) -> None:
    with pytest.raises(ValueError, match="is no origin") as refused:
        origin_of(written)
    assert repr(written) in str(refused.value)


def test_a_list_is_split_by_commas() -> None:
    assert origins_of(" https://a.example/ ,, http://b.example:80") == (
        "https://a.example",
        "http://b.example",
    )
