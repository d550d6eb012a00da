# Everything that trains, watches and works: `churn` with the groups train and monitor of the lock.
FROM python:3.11-slim AS packages
ENV UV_FROZEN=1 UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON=/usr/local/bin/python UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/holdfast PYTHONHASHSEED=0
WORKDIR /build
COPY uv.lock deploy/images/uv_requirement.py ./
RUN python uv_requirement.py uv.lock >uv.txt \
    && python -m venv /uv \
    && /uv/bin/pip install --quiet --no-cache-dir --require-hashes -r uv.txt
COPY pyproject.toml deploy/images/slim.py ./
RUN /uv/bin/uv sync --quiet --no-default-groups --group train --group monitor --no-install-project \
    && /opt/holdfast/bin/python slim.py /opt/holdfast/lib/python3.11/site-packages plotly/validators

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

FROM python:3.11-slim AS pipelines
# LightGBM needs GNU's OpenMP, which the slim image lacks. Whatever installs packages goes.
RUN ls /usr/lib/*/libgomp.so.1 >/dev/null 2>&1 \
    || (apt-get update -qq && apt-get install -y -qq --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*)
RUN rm -rf /usr/local/lib/python3.11/site-packages/* /usr/lib/python3/dist-packages/* /usr/local/bin/pip* /usr/bin/pip* \
    && echo 'holdfast:x:10001:' >>/etc/group \
    && echo 'holdfast:x:10001:10001:Holdfast:/var/lib/holdfast:/usr/sbin/nologin' >>/etc/passwd \
    && install -d -o 10001 -g 10001 -m 750 /var/lib/holdfast /var/lib/holdfast/jobs
COPY --from=packages /opt/holdfast /opt/holdfast
COPY deploy/images/healthy.py /opt/holdfast/healthy.py
RUN rm -f /opt/holdfast/.lock
ENV PATH=/opt/holdfast/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1 LANG=C.UTF-8 TZ=UTC HOME=/tmp MPLCONFIGDIR=/tmp/matplotlib \
    CHURN_HOME=/var/lib/holdfast CHURN_HOST=0.0.0.0 CHURN_EXPORTER_HOST=0.0.0.0 CHURN_REPORTS_HOST=0.0.0.0 \
    DO_NOT_TRACK=true ORT_DISABLE_TELEMETRY=1 BENTOML_DO_NOT_TRACK=True MLFLOW_DISABLE_TELEMETRY=true OTEL_SDK_DISABLED=true
USER 10001:10001
VOLUME /var/lib/holdfast
STOPSIGNAL SIGTERM
WORKDIR /srv/holdfast
COPY contracts contracts
COPY --from=code /code /opt/holdfast
ENTRYPOINT ["churn"]
CMD ["--help"]
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE_DATE_EPOCH=0
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="Holdfast: pipelines, jobs and eyes" \
    org.opencontainers.image.version=$VERSION \
    org.opencontainers.image.revision=$REVISION \
    org.opencontainers.image.created=$CREATED \
    org.opencontainers.image.source=$SOURCE \
    org.opencontainers.image.licenses="Apache-2.0"
