# The connector and nothing else: no compiler, no pip cache, no devstack, no root.
#
# Pin the base by digest where you build, and let a bot move it:
#   docker build --build-arg PYTHON=python:3.11-slim-bookworm@sha256:… .
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
# neonize looks at files through libmagic when it is imported.
RUN apt-get update && apt-get install --yes --no-install-recommends libmagic1
WORKDIR /build
COPY docker/install.sh docker/install.sh
COPY requirements.lock requirements-build.lock pyproject.toml README.md LICENSE ./
COPY connector connector
RUN docker/install.sh /opt/zapbase

FROM ${PYTHON}
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates libmagic1 \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin zapbase \
  && install --directory --owner zapbase --group zapbase --mode 700 /data
COPY --from=build /opt/zapbase /opt/zapbase
ENV PATH=/opt/zapbase/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    WA_DATA_DIR=/data
USER zapbase
VOLUME /data
# SIGTERM is a planned stop: sessions disconnect, spools drain, leases are released, in less
# than ten seconds.
STOPSIGNAL SIGTERM
ENTRYPOINT ["zapbase"]
CMD ["run"]
