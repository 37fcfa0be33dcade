// The image's health check: whether the service's /livez answers 200. `APP` is the service, as the Dockerfile sets it.
const { APP, JUICE_PORT, JUICE_HEALTH_PORT } = process.env;
const ports = { api: JUICE_PORT || 8080, scheduler: JUICE_HEALTH_PORT || 8081, callback: JUICE_HEALTH_PORT || 8082 };

const answer = await fetch(`http://127.0.0.1:${ports[APP]}/livez`).catch(() => null);
process.exit(answer?.ok ? 0 : 1);
