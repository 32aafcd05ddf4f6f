/** What an operator is told who orders the BGP speaker: what happens, to whom, and where to see it. */
import type { SpeakerInput } from '../bgp/event.ts';

const told = (text: string): string => (text === '' ? '' : `, and is told "${text}"`);

/** One or two sentences. */
export function orderReply(input: SpeakerInput): string {
  switch (input.kind) {
    case 'shutdown':
      return (
        `The session with ${input.peer} ends${told(input.text)}; it stays down until ` +
        `\`byoa bgp enable ${input.peer}\`. See \`byoa bgp neighbor ${input.peer}\`.`
      );
    case 'enable':
      return `The session with ${input.peer} may come up again. See \`byoa bgp neighbor ${input.peer}\`.`;
    case 'reset': {
      const how = input.hard ? ' by a Hard Reset, so that no routes are kept' : '';
      return (
        `The session with ${input.peer} ends${how}${told(input.text)}, and comes back by itself. ` +
        `See \`byoa bgp neighbor ${input.peer}\`.`
      );
    }
    case 'soft-reset':
      return input.direction === 'in'
        ? `The import policy is applied anew to what ${input.peer} has sent; the session stays. See \`byoa bgp rib --in ${input.peer}\`.`
        : `All routes are sent to ${input.peer} again by its export policy; the session stays. See \`byoa bgp rib --out ${input.peer}\`.`;
    case 'route-refresh':
      return `${input.peer} is asked to send its ${input.family} routes again; the session stays. See \`byoa bgp rib --in ${input.peer}\`.`;
    case 'drain':
      return drainReply(input.how);
    case 'originate':
      return `${input.route.prefix} is announced where export policies allow it. See \`byoa bgp route ${input.route.prefix}\`.`;
    case 'withdraw':
      return `${input.prefix} is not announced as ours any more. See \`byoa bgp route ${input.prefix}\`.`;
    default:
      return `The speaker does it: ${input.kind}. See \`byoa bgp summary\`.`;
  }
}

function drainReply(how: Extract<SpeakerInput, { kind: 'drain' }>['how']): string {
  if (how === 'none') return 'All neighbors get the plain routes again. See `byoa bgp summary`.';
  const what =
    how === 'withdraw'
      ? 'All routes are withdrawn from all neighbors'
      : 'All routes are sent again with GRACEFUL_SHUTDOWN (RFC 8326), so that neighbors prefer others';
  return `${what}; \`byoa bgp drain none\` ends it. See \`byoa bgp summary\`.`;
}
