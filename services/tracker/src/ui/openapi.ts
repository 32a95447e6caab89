import { Type } from '@shoal/core';
import type { Paths } from '@shoal/service';

const common = { tag: 'live view (ui.port)', security: ['basic'] };
const view = Type.Object({}, { additionalProperties: true, description: 'See services/tracker/src/ui/views.ts.' });
const answer = (description: string) => ({ 200: { description, schema: view } });

/** What the listener of the live view answers; it may change with the page, which is its client. */
export const uiPaths: Paths = {
  '/': { get: { ...common, summary: 'To the page', answers: { 302: { description: 'It is at /ui/.' } } } },
  '/ui': { get: { ...common, summary: 'To the page', answers: { 302: { description: 'It is at /ui/.' } } } },
  '/ui/api/swarms': { get: { ...common, summary: 'The cluster and its busiest swarms', answers: answer('Overview.') } },
  '/ui/api/swarms/{id}': { get: { ...common, summary: 'A swarm with its nodes', answers: answer('SwarmFrame.') } },
  '/ui/api/search': {
    get: {
      ...common,
      summary: 'Swarms and nodes by digest, id, address or zone',
      query: { q: 'The beginning of a digest or id, or a part of an address or zone.' },
      answers: answer('Found: at most 20 of each.'),
    },
  },
  '/ui/api/recordings': {
    get: {
      ...common,
      summary: 'Finished swarms that can be replayed',
      answers: { 200: { description: 'RecordingRow, the newest first.', schema: Type.Array(view) } },
    },
  },
  '/ui/api/recordings/{id}': {
    get: { ...common, summary: 'A recording', answers: answer('RecordingView: frames, each with what has changed.') },
  },
  '/ui/api/events': {
    get: {
      ...common,
      summary: 'What happens, as Server-Sent Events',
      query: { swarm: 'Id of the swarm to be told of in detail.' },
      answers: {
        200: { description: '`overview` (Overview) and `frame` (SwarmFrame) events.', type: 'text/event-stream' },
      },
    },
  },
};
