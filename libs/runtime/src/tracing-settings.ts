import { decimal, flag, oneOf, secret, text, url } from './settings.ts';

/**
 * The standard variables of OpenTelemetry that say whether and how a service is traced, for every service's schema. Tracing is
 * off unless one of the two endpoints is set. The exporter reads further ones by itself (docs/operations.md, "Traces").
 */
export const tracingSettings = {
  otelDisabled: flag().optional().meta({
    env: 'OTEL_SDK_DISABLED',
    description: 'Whether tracing is off whatever else is set.',
  }),
  otelExporter: oneOf(['otlp', 'none']).optional().meta({
    env: 'OTEL_TRACES_EXPORTER',
    description: 'none: tracing is off. Not set: otlp.',
  }),
  otelEndpoint: url(['http', 'https']).optional().meta({
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    description: 'A collector that takes OTLP over HTTP; /v1/traces is added. Without an endpoint tracing is off.',
  }),
  otelTracesEndpoint: url(['http', 'https']).optional().meta({
    env: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    description: 'The same for traces alone: a whole URL, to which nothing is added.',
  }),
  otelProtocol: oneOf(['http/json']).optional().meta({
    env: 'OTEL_EXPORTER_OTLP_PROTOCOL',
    description: 'How spans are sent; there is no other way.',
  }),
  otelHeaders: secret(text('name=value, separated by commas')).optional().meta({
    env: 'OTEL_EXPORTER_OTLP_HEADERS',
    description: 'Headers that the collector asks for.',
  }),
  otelServiceName: text('a name').optional().meta({
    env: 'OTEL_SERVICE_NAME',
    description: 'What the service is called in traces. Not set: juice-api, juice-scheduler, juice-callback.',
  }),
  otelResource: text('name=value, separated by commas').optional().meta({
    env: 'OTEL_RESOURCE_ATTRIBUTES',
    description: 'What else is said of where spans come from.',
  }),
  otelSampler: oneOf([
    'always_on',
    'always_off',
    'traceidratio',
    'parentbased_always_on',
    'parentbased_always_off',
    'parentbased_traceidratio',
  ])
    .optional()
    .meta({
      env: 'OTEL_TRACES_SAMPLER',
      description:
        'Which traces are recorded. Not set: parentbased_always_on, as the caller says, and all that begin here.',
    }),
  otelSamplerArg: decimal({ min: 0, max: 1 }).optional().meta({
    env: 'OTEL_TRACES_SAMPLER_ARG',
    description: 'The part of traces that traceidratio records. Not set: 1.',
  }),
};
