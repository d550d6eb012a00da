# MLflow's server with accounts, PostgreSQL and S3: the group mlflow-server of the lock, and no code of ours.
FROM python:3.11-slim AS packages
ENV UV_FROZEN=1 UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON=/usr/local/bin/python UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/holdfast PYTHONHASHSEED=0
WORKDIR /build
COPY uv.lock deploy/images/uv_requirement.py ./
RUN python uv_requirement.py uv.lock >uv.txt \
    && python -m venv /uv \
    && /uv/bin/pip install --quiet --no-cache-dir --require-hashes -r uv.txt
COPY pyproject.toml deploy/images/slim.py ./
RUN /uv/bin/uv sync --quiet --only-group mlflow-server \
    && /opt/holdfast/bin/python slim.py /opt/holdfast/lib/python3.11/site-packages scipy sklearn matplotlib fontTools

FROM python:3.11-slim AS mlflow
RUN rm -rf /usr/local/lib/python3.11/site-packages/* /usr/lib/python3/dist-packages/* /usr/local/bin/pip* /usr/bin/pip* \
    && echo 'holdfast:x:10001:' >>/etc/group \
    && echo 'holdfast:x:10001:10001:Holdfast:/var/lib/mlflow:/usr/sbin/nologin' >>/etc/passwd \
    && install -d -o 10001 -g 10001 -m 750 /var/lib/mlflow /var/lib/mlflow/artifacts
COPY --from=packages /opt/holdfast /opt/holdfast
COPY deploy/images/healthy.py /opt/holdfast/healthy.py
RUN rm -f /opt/holdfast/.lock
ENV PATH=/opt/holdfast/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1 LANG=C.UTF-8 TZ=UTC HOME=/tmp MPLCONFIGDIR=/tmp/matplotlib \
    DO_NOT_TRACK=true ORT_DISABLE_TELEMETRY=1 MLFLOW_DISABLE_TELEMETRY=true OTEL_SDK_DISABLED=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false MLFLOW_WORKERS=1
USER 10001:10001
VOLUME /var/lib/mlflow/artifacts
STOPSIGNAL SIGTERM
WORKDIR /var/lib/mlflow
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
    CMD ["/opt/holdfast/bin/python", "-I", "-S", "/opt/holdfast/healthy.py", "5000", "/health"]
ENTRYPOINT ["mlflow"]
CMD ["server", "--host", "0.0.0.0", "--port", "5000"]
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE_DATE_EPOCH=0
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="Holdfast: MLflow" \
    org.opencontainers.image.version=$VERSION \
    org.opencontainers.image.revision=$REVISION \
    org.opencontainers.image.created=$CREATED \
    org.opencontainers.image.source=$SOURCE \
    org.opencontainers.image.licenses="Apache-2.0"
