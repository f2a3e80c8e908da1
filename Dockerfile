# `runstreams serve --aws` in a container, as deploy/readers.yaml runs it; other commands as well.
#   docker build --tag runstreams .
FROM debian:trixie-slim

# Not pinned: Debian keeps one version, with its security updates.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

COPY requirements/image.txt /opt/runstreams/requirements.txt
RUN python3 -m venv /opt/runstreams \
    && /opt/runstreams/bin/pip install --no-cache-dir --no-deps \
        --requirement /opt/runstreams/requirements.txt

COPY src/runstreams /opt/runstreams/src/runstreams
RUN /opt/runstreams/bin/python -m compileall -q /opt/runstreams/src

ENV PATH=/opt/runstreams/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/runstreams/src \
    PYTHONUNBUFFERED=1

# Nothing is written, so the file system may be read-only.
USER 65534
EXPOSE 8787
ENTRYPOINT ["python", "-m", "runstreams"]
CMD ["serve", "--aws", "--host", "0.0.0.0"]
