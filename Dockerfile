# One image for all of Shoal: `origin`, `tracker`, `agent` and the command `shoal`.
#
#   docker build -t shoal .
#   docker run shoal agent --help
#
# Nothing is compiled, so it builds for every platform that has a Node.js image:
#   docker buildx build --platform linux/amd64,linux/arm64 -t shoal .
ARG NODE_IMAGE=node:26-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /shoal
COPY . .
RUN ["npm", "ci", "--omit=dev", "--ignore-scripts", "--workspace=@shoal/origin", "--workspace=@shoal/tracker", \
  "--workspace=@shoal/agent", "--workspace=@shoal/cli"]
RUN ["node", "deploy/container/prune.ts", "node_modules"]
RUN ["node", "deploy/container/root-folder.ts", "/root-folder", "/own-folder"]

# Node.js, the libraries that it loads, and Shoal: no shell, no package manager.
FROM scratch
COPY --from=build /root-folder /
COPY --from=build --chown=65532:65532 /own-folder /
COPY --from=build /shoal/node_modules /shoal/node_modules
COPY --from=build /shoal/deploy/container /shoal/deploy/container
COPY --from=build /shoal/packages /shoal/packages
COPY --from=build /shoal/services /shoal/services
COPY --from=build /shoal/deploy/container/bin /usr/local/bin
ENV PATH=/usr/local/bin NODE_ENV=production
USER 65532:65532
WORKDIR /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=3 \
  CMD ["node", "/shoal/deploy/container/health.ts"]
CMD ["shoal", "--help"]
LABEL org.opencontainers.image.title="Shoal" \
  org.opencontainers.image.description="A container blob distributor: nodes pull pieces of an image from each other" \
  org.opencontainers.image.licenses="Apache-2.0"
