import { containerd } from './containerd.ts';
import { docker } from './docker.ts';
import { crio, podman } from './registries-conf.ts';
import type { Runtime } from './runtime.ts';

export const runtimes: readonly Runtime[] = [containerd, docker, podman, crio];
