# AwaitStep in a container: `docker build -t awaitstep .`. docs/production.md describes how to run it.
# To pin the base image completely, add its digest: python:3.11-slim-bookworm@sha256:...
ARG BASE=python:3.11-slim-bookworm

# The wheel, with the bundle of the code fields, which needs the tools of development.
FROM ${BASE} AS wheel
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /build \
    && /build/bin/python -m pip install --require-hashes -r requirements.lock \
    && /build/bin/python -m pip install --require-hashes -r requirements-build.lock
COPY . .
RUN /build/bin/python -m toolchain.node_tools install \
    && /build/bin/python -m toolchain.node_tools bundle \
    && /build/bin/python -m hatchling build -t wheel

# A Python environment with the product and Cloudflare's tools.
FROM ${BASE} AS environment
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements.lock /src/
RUN python -m venv /opt/awaitstep \
    && /opt/awaitstep/bin/python -m pip install --require-hashes -r /src/requirements.lock
COPY --from=wheel /src/dist/ /src/dist/
RUN /opt/awaitstep/bin/python -m pip install --no-deps --find-links /src/dist --no-index awaitstep \
    && AWAITSTEP_DATA_DIR=/tmp/unused /opt/awaitstep/bin/awaitstep install_toolchain

FROM ${BASE}
RUN groupadd --system --gid 10001 awaitstep \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/awaitstep awaitstep \
    && install --directory --owner 10001 --group 10001 --mode 700 /var/lib/awaitstep
COPY --from=environment /opt/awaitstep /opt/awaitstep
ENV PATH=/opt/awaitstep/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    AWAITSTEP_MODE=production \
    AWAITSTEP_DATA_DIR=/var/lib/awaitstep \
    AWAITSTEP_LOG_FORMAT=json
USER 10001:10001
WORKDIR /var/lib/awaitstep
VOLUME /var/lib/awaitstep
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client as h, os; c = h.HTTPConnection('127.0.0.1', int(os.environ.get('AWAITSTEP_PORT', 8000)), timeout=4); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["awaitstep"]
CMD ["serve", "--host", "0.0.0.0"]
