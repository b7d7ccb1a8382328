# syntax=docker/dockerfile:1
# The operator's image: the locked runtime dependencies and the wheel, nothing to build with.
# The wheel is installed without an index: its extra `operator` finds all in the lock, or it fails.
# Pin the base by digest when you build for production: --build-arg BASE=python:3.13-slim@sha256:...
ARG BASE=python:3.13-slim-trixie

FROM ${BASE} AS build
# Seconds since 1970, e.g. of the commit: the wheel is then the same bytes at every build.
ARG SOURCE_DATE_EPOCH
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/workflow-audit
COPY locks/runtime.txt locks/build.txt locks/
RUN /opt/workflow-audit/bin/pip install --no-compile \
      --require-hashes --no-deps --requirement locks/runtime.txt \
 && python -m pip install --require-hashes --no-deps --requirement locks/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
COPY crds crds
COPY manifests manifests
COPY examples examples
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && /opt/workflow-audit/bin/pip install --no-index "$(echo dist/*.whl)[operator]" --no-compile \
 && /opt/workflow-audit/bin/pip check \
 && /opt/workflow-audit/bin/pip uninstall --yes pip
# Compiled files that hold no time of the build; nobody changes sources in an image.
RUN /opt/workflow-audit/bin/python -m compileall -q --invalidation-mode unchecked-hash \
      /opt/workflow-audit/lib

FROM ${BASE}
COPY --from=build /opt/workflow-audit /opt/workflow-audit
ENV PATH=/opt/workflow-audit/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# A number, so that Kubernetes can check runAsNonRoot; nothing of the image is writable for it.
USER 65532:65532
EXPOSE 8080
# Last, so that another commit alone makes no layer anew.
ARG SOURCE=""
ARG VERSION=""
ARG REVISION=""
LABEL org.opencontainers.image.title="workflow-audit" \
      org.opencontainers.image.description="Records every workflow search of a cluster as one immutable audit event" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENTRYPOINT ["workflow-audit"]
CMD ["operator"]
