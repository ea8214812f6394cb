# The worker and every command of `detector`; compose.yaml runs it. Nothing is installed that is not locked by its hash.
FROM python:3.11-slim AS build
WORKDIR /source
RUN python -m venv /opt/detector
COPY requirements.lock .
RUN /opt/detector/bin/pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY . .
RUN /opt/detector/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home detector
COPY --from=build /opt/detector /opt/detector
WORKDIR /data
RUN chmod 1777 /data
USER 10001
ENV DETECTOR_DATA_FOLDER=/data PYTHONDONTWRITEBYTECODE=1
ENTRYPOINT ["/opt/detector/bin/detector"]
CMD ["stream", "--json-logs"]
