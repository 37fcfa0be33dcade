import { Deployment } from 'kubernetes-models/apps/v1';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { ConfigMap, Secret, Service } from 'kubernetes-models/v1';
import { PrometheusRule, ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import ts from 'typescript';
import { root, type Manifest } from './manifests.ts';

interface Kind {
  readonly model: new (data: never) => { validate(): void };
  /** Where its interface is. */
  readonly from: string;
}

const operator = '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
const kinds: Readonly<Record<string, Kind>> = {
  'apps/v1 Deployment': { model: Deployment, from: 'kubernetes-models/apps/v1' },
  'autoscaling/v2 HorizontalPodAutoscaler': {
    model: HorizontalPodAutoscaler,
    from: 'kubernetes-models/autoscaling/v2',
  },
  'networking.k8s.io/v1 NetworkPolicy': { model: NetworkPolicy, from: 'kubernetes-models/networking.k8s.io/v1' },
  'policy/v1 PodDisruptionBudget': { model: PodDisruptionBudget, from: 'kubernetes-models/policy/v1' },
  'v1 ConfigMap': { model: ConfigMap, from: 'kubernetes-models/v1' },
  'v1 Secret': { model: Secret, from: 'kubernetes-models/v1' },
  'v1 Service': { model: Service, from: 'kubernetes-models/v1' },
  'monitoring.coreos.com/v1 ServiceMonitor': { model: ServiceMonitor, from: operator },
  'monitoring.coreos.com/v1 PrometheusRule': { model: PrometheusRule, from: operator },
};

/**
 * What is wrong with them by Kubernetes' own JSON schemas. Those let members pass that they do not know, as the API server
 * does with a warning: that none is misspelt is seen by the compiler, which compares the objects with the interfaces of
 * the same schemas.
 */
export function problemsOf(manifests: readonly Manifest[]): readonly string[] {
  const lines = ['export {};'];
  const problems = manifests.flatMap((manifest) => {
    const name = `${manifest.kind} ${manifest.metadata.name}`;
    const kind = kinds[`${manifest.apiVersion} ${manifest.kind}`];
    if (kind === undefined) return [`${name}: no schema for ${manifest.apiVersion}`];
    lines.push(`const _${lines.length}: import('${kind.from}').I${manifest.kind} = ${JSON.stringify(manifest)};`);
    try {
      new kind.model(manifest as never).validate();
      return [];
    } catch (error) {
      return [`${name}: ${error instanceof Error ? error.message : String(error)}`];
    }
  });
  return [...problems, ...compile(lines.join('\n'))];
}

function compile(source: string): readonly string[] {
  const file = `${root}/tools/deployment/src/manifests-of-kubernetes.ts`;
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === file || fileExists.call(host, name);
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2023) : getSourceFile.call(host, name, ...rest);
  const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram([file], options, host));
  return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}
