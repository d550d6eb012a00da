# The doors, two targets of one recipe: `fastapi` (churn serve --door fastapi) and `bento` (the Bento of bentofile.yaml).
# The old builder builds all stages above the target: their order is the order in which they depend on each other.
FROM python:3.11-slim AS packages
ENV UV_FROZEN=1 UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON=/usr/local/bin/python UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/holdfast PYTHONHASHSEED=0
WORKDIR /build
COPY uv.lock deploy/images/uv_requirement.py ./
RUN python uv_requirement.py uv.lock >uv.txt \
    && python -m venv /uv \
    && /uv/bin/pip install --quiet --no-cache-dir --require-hashes -r uv.txt
COPY pyproject.toml deploy/images/slim.py ./
RUN /uv/bin/uv sync --quiet --no-default-groups --no-install-project \
    && /opt/holdfast/bin/python slim.py /opt/holdfast/lib/python3.11/site-packages

FROM packages AS code
COPY cli cli
COPY monitoring monitoring
COPY pipelines pipelines
COPY services services
COPY churn churn
COPY deploy/images/build-constraints.txt deploy/images/entry_point.py ./
# A wheel is a folder that is unpacked: an installer would write when and whence beside it.
RUN /uv/bin/uv build --quiet --wheel --require-hashes --build-constraints build-constraints.txt --out-dir wheels \
    && python -m zipfile -e wheels/*.whl /code/lib/python3.11/site-packages \
    && /opt/holdfast/bin/python -m compileall -q --invalidation-mode unchecked-hash /code/lib \
    && install -D entry_point.py /code/bin/churn

FROM python:3.11-slim AS runtime
# Whatever installs packages goes; nobody here has a password, a shell or a file of the program.
RUN rm -rf /usr/local/lib/python3.11/site-packages/* /usr/lib/python3/dist-packages/* /usr/local/bin/pip* /usr/bin/pip* \
    && echo 'holdfast:x:10001:' >>/etc/group \
    && echo 'holdfast:x:10001:10001:Holdfast:/var/lib/holdfast:/usr/sbin/nologin' >>/etc/passwd \
    && install -d -o 10001 -g 10001 -m 750 /var/lib/holdfast /var/lib/holdfast/jobs
COPY --from=packages /opt/holdfast /opt/holdfast
COPY deploy/images/healthy.py /opt/holdfast/healthy.py
RUN rm -f /opt/holdfast/.lock
ENV PATH=/opt/holdfast/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1 LANG=C.UTF-8 TZ=UTC HOME=/tmp \
    CHURN_HOME=/var/lib/holdfast CHURN_HOST=0.0.0.0 \
    DO_NOT_TRACK=true ORT_DISABLE_TELEMETRY=1 BENTOML_DO_NOT_TRACK=True MLFLOW_DISABLE_TELEMETRY=true OTEL_SDK_DISABLED=true
USER 10001:10001
VOLUME /var/lib/holdfast
STOPSIGNAL SIGTERM

FROM runtime AS fastapi
WORKDIR /srv/holdfast
COPY contracts contracts
COPY --from=code /code /opt/holdfast
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/opt/holdfast/bin/python", "-I", "-S", "/opt/holdfast/healthy.py", "8000", "/livez"]
ENTRYPOINT ["churn"]
CMD ["serve", "--door", "fastapi"]
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE_DATE_EPOCH=0
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="Holdfast: the FastAPI door" \
    org.opencontainers.image.version=$VERSION \
    org.opencontainers.image.revision=$REVISION \
    org.opencontainers.image.created=$CREATED \
    org.opencontainers.image.source=$SOURCE \
    org.opencontainers.image.licenses="Apache-2.0"

FROM code AS bento-build
COPY bentofile.yaml README.md ./
COPY contracts contracts
ARG CREATED=1970-01-01T00:00:00Z
# BentoML writes down when it was; it looks for uv, and installs one that is not there.
RUN PATH=/uv/bin:$PATH BENTOML_HOME=/bentoml BENTOML_DO_NOT_TRACK=True /opt/holdfast/bin/python -m cli.main build --bento-version image \
    && mv /bentoml/bentos/churn/image /bento \
    && sed -i "s/^creation_time: .*/creation_time: '$CREATED'/" /bento/bento.yaml \
    && /opt/holdfast/bin/python -m compileall -q --invalidation-mode unchecked-hash /bento/src

FROM runtime AS bento
COPY --from=bento-build /bento /srv/bento
WORKDIR /srv/bento/src
ENV PYTHONPATH=/srv/bento/src
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/opt/holdfast/bin/python", "-I", "-S", "/opt/holdfast/healthy.py", "3000", "/livez"]
ENTRYPOINT ["python", "-m", "services"]
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE_DATE_EPOCH=0
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="Holdfast: the BentoML door" \
    org.opencontainers.image.version=$VERSION \
    org.opencontainers.image.revision=$REVISION \
    org.opencontainers.image.created=$CREATED \
    org.opencontainers.image.source=$SOURCE \
    org.opencontainers.image.licenses="Apache-2.0"
