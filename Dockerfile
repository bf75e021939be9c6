# An image that serves a generator: docker compose up, or
#     docker build -t condgen . && docker run --rm -p 8000:8000 -v ./runs/first:/run/condgen:ro condgen
FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
# The CPU build of torch: the CUDA build is several gigabytes larger, and these networks are small.
RUN python -m venv /opt/condgen \
 && /opt/condgen/bin/pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu torch==2.13.0
COPY src src
RUN /opt/condgen/bin/pip install --no-cache-dir --constraint constraints.txt ".[serve]"

FROM python:3.11-slim
COPY --from=build /opt/condgen /opt/condgen
RUN useradd --create-home --uid 10001 condgen
USER condgen
ENV PATH=/opt/condgen/bin:$PATH CONDGEN_CACHE=/tmp/condgen MPLCONFIGDIR=/tmp/matplotlib PYTHONDONTWRITEBYTECODE=1
EXPOSE 8000
HEALTHCHECK --start-period=30s CMD \
  ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=3)"]
# Another address than loopback needs a token, which is printed at the start; --token-file chooses it.
ENTRYPOINT ["condgen", "serve", "--host", "0.0.0.0"]
CMD ["/run/condgen"]
