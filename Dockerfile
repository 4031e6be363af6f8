# syntax=docker/dockerfile:1
# The shop as an image: `docker compose up` builds and starts it, see compose.yaml.

FROM python:3.11-slim-trixie AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements/base.txt /tmp/base.txt
RUN /opt/venv/bin/pip install --quiet --require-hashes -r /tmp/base.txt
WORKDIR /app
COPY . .
# The keys of this one step are a development shop's, and stay in a folder that is thrown away.
RUN ENV=development VAR_DIR=/tmp/build STATIC_ROOT=/app/static \
        /opt/venv/bin/python manage.py collectstatic --no-input --verbosity 0 \
    && /opt/venv/bin/python -m whitenoise.compress --quiet /app/static \
    && /opt/venv/bin/python -m compileall -q /app \
    && rm -rf /tmp/build

FROM python:3.11-slim-trixie
# pg_dump and pg_restore, for `manage.py backup` and `restore`: trixie's client (17) serves servers up to 17.
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin shop \
    && install --directory --owner=shop --group=shop --mode=0750 /var/lib/shop /var/lib/shop-anchors
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ENV=production \
    API_HOST=0.0.0.0 \
    API_PORT=8000 \
    VAR_DIR=/var/lib/shop \
    AUDIT_LOG_PATH=/var/lib/shop/logs/audit.log \
    STATIC_ROOT=/app/static
WORKDIR /app
USER 10001
VOLUME /var/lib/shop
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"API_PORT\"]}/health/live', timeout=4)"]
# Migrates first, one container at a time; a read-only root file system is enough, with /tmp and /var/lib/shop writable.
CMD ["python", "manage.py", "serve", "--no-worker"]
