import type { Outcome } from './cell.ts';
export const describeOutcome = (outcome: Outcome): string => {
  switch (outcome.kind) {
    case 'ok':
      return `${outcome.seconds.toFixed(1)} s from ${outcome.from}`;
    case 'failed':
      return `failed after ${outcome.seconds.toFixed(1)} s: ${outcome.reason}`;
    default:
      return `${outcome.kind}: ${outcome.reason}`;
  }
};
