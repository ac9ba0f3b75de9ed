# The gate in a container: no root, no shell needed, a root file system that may be read-only.
#   docker build -t sallyport:0.1.0 .
#   docker run --read-only --cap-drop ALL -p 8443:8443 -v ./gate:/etc/sallyport:ro sallyport:0.1.0
FROM node:26-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package needs its install script here; the one that has one brings a Node, which the image is.
RUN npm ci --ignore-scripts
COPY rolldown.config.js ./
COPY bin ./bin
COPY src ./src
RUN npm run build

FROM node:26-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:26-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json LICENSE ./
COPY bin ./bin
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# By number, so that Kubernetes' runAsNonRoot can tell.
USER 10001:10001
# The webhooks over TLS; the admin listener. Where they really are is for the config to say.
EXPOSE 8443 9901
STOPSIGNAL SIGTERM
# Asks the admin listener: the config has to have one on port 9901.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9901/readyz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/bin/sallyport.js"]
CMD ["run", "--config", "/etc/sallyport/gate.yaml"]
