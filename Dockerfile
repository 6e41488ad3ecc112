# A static program on an image without a shell, as nobody. It has no
# redis-server: give it one by URL (see docker-compose.yml).
# The packages of the map on which areas are drawn (dashboards/editor).
FROM node:22 AS packages
WORKDIR /editor
COPY dashboards/editor/package.json dashboards/editor/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund && cp package-lock.json node_modules/.editor-lock

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=packages /editor/node_modules dashboards/editor/node_modules
RUN .ci/editor
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.release=${VERSION}" -o /out/martinella ./cmd/martinella \
 && install -d -m 0700 /out/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/martinella /usr/local/bin/martinella
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
VOLUME /data
EXPOSE 8080 9090
ENV MARTINELLA_DATA=/data \
    MARTINELLA_LISTEN=0.0.0.0:8080 \
    MARTINELLA_ADMIN_LISTEN=0.0.0.0:9090
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/martinella"]
CMD ["serve"]
