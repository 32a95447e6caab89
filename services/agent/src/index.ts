export { agentConfig } from './config.ts';
export type { AgentConfig } from './config.ts';
export { Agent } from './service.ts';
export type { AgentAddresses, AgentOptions } from './service.ts';
