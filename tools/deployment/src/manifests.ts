import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { IDeployment } from 'kubernetes-models/apps/v1';
import { parse, parseAllDocuments } from 'yaml';
import { marathonApp, type MarathonApp } from './marathon-app.ts';

export const root = resolve(import.meta.dirname, '../../..');
export const services = ['api', 'scheduler', 'callback'] as const;
export type Service = (typeof services)[number];

interface ComposeFile {
  readonly name: string;
  readonly services: Readonly<Record<string, ComposeService>>;
}

interface ComposeService {
  readonly profiles?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly build?: { readonly dockerfile: string; readonly args: { readonly APP: string } };
  readonly env_file?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly volumes?: readonly string[];
}

export async function readCompose(): Promise<ComposeFile> {
  return parse(await readFile(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as ComposeFile;
}

/** What a Kubernetes object is told apart by; the rest is for its schema. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
}

interface Kustomization {
  readonly resources: readonly string[];
  readonly configMapGenerator?: readonly { readonly name: string; readonly literals: readonly string[] }[];
}

/** A folder's objects, and what its kustomization.yaml says. */
export async function readKustomize(folder: string): Promise<{ about: Kustomization; manifests: readonly Manifest[] }> {
  const path = join(root, 'deploy/kubernetes', folder);
  const about = parse(await readFile(join(path, 'kustomization.yaml'), 'utf8')) as Kustomization;
  const files = await Promise.all(
    about.resources.filter((name) => name.endsWith('.yaml')).map((name) => readFile(join(path, name), 'utf8')),
  );
  return { about, manifests: files.flatMap(parseManifests) };
}

export function deploymentsOf(manifests: readonly Manifest[]): readonly IDeployment[] {
  return manifests.filter(({ kind }) => kind === 'Deployment') as unknown as readonly IDeployment[];
}

export function parseManifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

export async function readMarathonApps(): Promise<ReadonlyMap<string, MarathonApp>> {
  const folder = join(root, 'deploy/marathon');
  const apps = new Map<string, MarathonApp>();
  for (const name of (await readdir(folder)).filter((each) => each.endsWith('.json')))
    apps.set(name, marathonApp.parse(JSON.parse(await readFile(join(folder, name), 'utf8'))));
  return apps;
}
