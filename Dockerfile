# docker build -t scalinglib . && docker run --rm scalinglib            runs three notebooks
# docker run --rm scalinglib make figures    (or make test)
FROM python:3.11-slim-bookworm
# Tests of pages want a browser and Node, the site npm; everything else needs make and git alone.
RUN apt-get update \
    && apt-get install -y --no-install-recommends chromium git make nodejs npm \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home reader
USER reader
WORKDIR /home/reader/scalinglib
# The environment first: it changes seldom.
COPY --chown=reader requirements.lock pyproject.toml README.md LICENSE ./
COPY --chown=reader tools/environment.py tools/
COPY --chown=reader scalinglib/__init__.py scalinglib/
COPY --chown=reader scalingplan/__init__.py scalingplan/
RUN python tools/environment.py
COPY --chown=reader . .
CMD ["make", "smoke"]
