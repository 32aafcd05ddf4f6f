/**
 * The control API under `/_byoa/`: what an experimenter does to the world that no AWS API does. JSON in and
 * out; errors say what, why and what to do. Documented in docs/sim-api.md.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { err, ok, type Result } from '../../controller/base/result.ts';
import { quotasOf, setQuotas } from '../ec2/service.ts';
import { inject, setKnobs } from '../world/api.ts';
import { flowStats } from '../world/flows.ts';
import { setLine, setTunnel } from '../world/gateways.ts';
import { addHost, controlGuest, GUEST_VERBS, setProfile } from '../world/guests.ts';
import { addCut, removeCut } from '../world/links.ts';
import type { WorldOptions } from '../world/settings.ts';
import { killSiteRouter, setSiteRouter } from '../world/site-router.ts';
import type { World } from '../world/state.ts';
import { tracePacket } from '../world/trace.ts';
import { beginFlow, endFlow } from '../world/traffic.ts';
import { readBody } from './body.ts';
import * as schema from './control-schema.ts';
import type { Imds } from './imds.ts';
import { stateOf } from './state.ts';
import type { Act } from './stream.ts';

/** What the routes may use. */
export interface Control {
  readonly world: () => World;
  readonly act: Act;
  /** Does something once all that has happened is kept. */
  readonly later: (what: () => void) => void;
  /** Begins a new world in the place of the present one. */
  readonly reset: (options: WorldOptions) => void;
  readonly imds?: Imds;
}

export interface ControlError {
  readonly status: number;
  readonly what: string;
  readonly why: string;
  readonly remedy: string;
}

type Answer = Result<{ readonly status: number; readonly body: unknown }, ControlError>;

interface Call {
  readonly control: Control;
  readonly world: World;
  /** The parts of the path that the route leaves open. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  readonly body: unknown;
}

interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Segments after `/_byoa/`; `*` is open. */
  readonly path: readonly string[];
  readonly run: (call: Call) => Answer | Promise<Answer>;
}

const MAX_CONTROL_BYTES = 1 << 20;

const done = (body: unknown = {}, status = 200): Answer => ok({ status, body });
const fail = (status: number, what: string, why: string, remedy: string): Answer =>
  err({ status, what, why, remedy });

/** Runs `use` with the body as the schema types it, or refuses. */
function withBody<S extends z.ZodType, A extends Answer | Promise<Answer>>(
  call: Call,
  expected: S,
  use: (body: z.infer<S>) => A,
): A | Answer {
  const parsed = expected.safeParse(call.body);
  if (parsed.success) return use(parsed.data);
  return fail(
    400,
    'The body is not valid.',
    z.prettifyError(parsed.error),
    'See docs/sim-api.md for the shape of this request.',
  );
}

const orRefuse = (result: Result<unknown>, what: string, remedy: string, status = 200): Answer =>
  result.ok ? done(result.value ?? {}, status) : fail(409, what, result.error, remedy);

const SEE_STATE = 'GET /_byoa/state lists what there is.';

const unknownFlow = (id: string): Answer =>
  fail(
    404,
    `There is no flow '${id}'.`,
    'No flow was started under this id since the last reset.',
    'GET /_byoa/flows lists all.',
  );

/** Where the metadata of an instance is served from now on. */
async function openMetadata(
  { control: { imds }, world, path: [instance = ''] }: Call,
  hops: number,
): Promise<Answer> {
  if (imds === undefined) {
    const remedy = 'Start byoa sim with --imds [HOST:PORT].';
    return fail(409, 'No metadata is served.', 'The simulator was started without it.', remedy);
  }
  if (!world.guests.has(instance)) {
    const why = 'It was never started in this simulator.';
    return fail(404, `There is no instance '${instance}'.`, why, SEE_STATE);
  }
  return imds.endpointOf(instance, hops).then(
    (endpoint) => done({ endpoint }),
    (error: Error) => fail(409, 'No metadata is served.', error.message, SEE_STATE),
  );
}

const routes: readonly Route[] = [
  { method: 'GET', path: ['state'], run: ({ world }) => done(stateOf(world)) },
  {
    method: 'GET',
    path: ['events'],
    run: ({ world, query }) => {
      const since = Number(query.get('since') ?? 0);
      if (!Number.isInteger(since))
        return fail(
          400,
          `'since' is not a number.`,
          'Events are numbered.',
          'Give the last seq that you saw.',
        );
      const kinds = query.get('kinds')?.split(',');
      const first = world.log[0]?.seq ?? world.nextLogSeq;
      const from = Math.max(0, since + 1 - first);
      const events = world.log.slice(from).filter(({ kind }) => kinds === undefined || kinds.includes(kind));
      return done({ events, last: world.nextLogSeq - 1 });
    },
  },
  {
    method: 'POST',
    path: ['instances', '*', '*'],
    run: ({ world, path: [instance = '', verb = ''] }) => {
      const known = GUEST_VERBS.find((each) => each === verb);
      if (known === undefined) {
        return fail(
          404,
          `There is no verb '${verb}'.`,
          'It is not one of the things done to instances.',
          `Use one of: ${GUEST_VERBS.join(', ')}.`,
        );
      }
      return orRefuse(
        controlGuest(world, instance, known),
        `${verb} of ${instance} was not done.`,
        SEE_STATE,
      );
    },
  },
  {
    method: 'PUT',
    path: ['guests', '*'],
    run: (call) =>
      withBody(call, schema.profile, (profile) =>
        orRefuse(setProfile(call.world, call.path[0] ?? '', profile), 'The profile was not set.', SEE_STATE),
      ),
  },
  {
    method: 'PUT',
    path: ['imds', '*'],
    run: (call) => withBody(call, schema.asker, ({ hops }) => openMetadata(call, hops)),
  },
  {
    method: 'POST',
    path: ['hosts'],
    run: (call) =>
      withBody(call, schema.host, ({ address, services, behind }) =>
        orRefuse(addHost(call.world, address, services, behind), 'The host was not added.', SEE_STATE, 201),
      ),
  },
  {
    method: 'PUT',
    path: ['routers', '*'],
    run: (call) =>
      withBody(call, schema.router, (router) =>
        orRefuse(setSiteRouter(call.world, call.path[0] ?? '', router), 'The router was not set.', SEE_STATE),
      ),
  },
  {
    method: 'DELETE',
    path: ['routers', '*'],
    run: ({ world, path: [site = ''] }) =>
      killSiteRouter(world, site)
        ? done()
        : fail(404, `There is no router at '${site}'.`, 'None was set, or it is off.', SEE_STATE),
  },
  {
    method: 'PUT',
    path: ['virtual-interfaces', '*', 'line'],
    run: (call) =>
      withBody(call, schema.tunnel, ({ state }) =>
        orRefuse(setLine(call.world, call.path[0] ?? '', state), 'The line was not set.', SEE_STATE),
      ),
  },
  {
    method: 'PUT',
    path: ['vpn-connections', '*', 'tunnels', '*'],
    run: (call) =>
      withBody(call, schema.tunnel, ({ state }) => {
        const [id = '', outside = ''] = call.path;
        return orRefuse(setTunnel(call.world, id, outside, state), 'The tunnel was not set.', SEE_STATE);
      }),
  },
  {
    method: 'GET',
    path: ['flows'],
    run: ({ world }) => done({ flows: [...world.flows.values()].map(flowStats) }),
  },
  {
    method: 'POST',
    path: ['flows'],
    run: (call) =>
      withBody(call, schema.flow, (flow) => {
        const begun = beginFlow(call.world, flow);
        return orRefuse(
          begun.ok ? ok(flowStats(begun.value)) : begun,
          'The flow was not started.',
          SEE_STATE,
          201,
        );
      }),
  },
  {
    method: 'GET',
    path: ['flows', '*'],
    run: ({ world, path: [id = ''] }) => {
      const flow = world.flows.get(id);
      return flow === undefined ? unknownFlow(id) : done(flowStats(flow));
    },
  },
  {
    method: 'DELETE',
    path: ['flows', '*'],
    run: ({ world, path: [id = ''] }) => {
      const flow = endFlow(world, id);
      return flow === undefined ? unknownFlow(id) : done(flowStats(flow));
    },
  },
  { method: 'GET', path: ['cuts'], run: ({ world }) => done({ cuts: [...world.cuts.values()] }) },
  {
    method: 'POST',
    path: ['cuts'],
    run: (call) =>
      withBody(call, schema.cut, (cut) =>
        orRefuse(addCut(call.world, cut), 'The link was not cut.', SEE_STATE, 201),
      ),
  },
  {
    method: 'DELETE',
    path: ['cuts', '*'],
    run: ({ world, path: [id = ''] }) =>
      removeCut(world, id)
        ? done()
        : fail(
            404,
            `There is no cut '${id}'.`,
            'It was healed, or never made.',
            'GET /_byoa/cuts lists all.',
          ),
  },
  {
    method: 'DELETE',
    path: ['cuts'],
    run: ({ world }) => {
      for (const id of [...world.cuts.keys()]) removeCut(world, id);
      return done();
    },
  },
  {
    method: 'POST',
    path: ['trace'],
    run: (call) =>
      withBody(call, schema.packet, (packet) =>
        orRefuse(tracePacket(call.world, packet), 'The packet was not sent.', SEE_STATE),
      ),
  },
  { method: 'GET', path: ['knobs'], run: ({ world }) => done(world.api.knobs) },
  {
    method: 'PUT',
    path: ['knobs'],
    run: (call) =>
      withBody(call, schema.knobs, ({ links, ...knobs }) => {
        setKnobs(call.world.api, knobs);
        if (links !== undefined) Object.assign(call.world.links, links);
        return done({ ...call.world.api.knobs, links: call.world.links });
      }),
  },
  {
    method: 'GET',
    path: ['quotas', '*', '*'],
    run: ({ world, path }) => done(quotasOf(world.api.cloud, path.join('/'))),
  },
  {
    method: 'PUT',
    path: ['quotas', '*', '*'],
    run: (call) =>
      withBody(call, schema.quotas, (quotas) => {
        const { cloud } = call.world.api;
        setQuotas(cloud, call.path.join('/'), quotas);
        return done(quotasOf(cloud, call.path.join('/')));
      }),
  },
  {
    method: 'POST',
    path: ['inject'],
    run: (call) =>
      withBody(call, schema.injection, (injection) => {
        inject(call.world.api, injection);
        return done({ injections: call.world.api.injections }, 201);
      }),
  },
  {
    method: 'POST',
    path: ['reset'],
    run: (call) =>
      withBody(call, schema.reset, (options) => {
        const { seed, profile } = options;
        call.control.reset({ ...(seed !== undefined && { seed }), ...(profile && { profile }) });
        return done();
      }),
  },
];

/** Answers one request below `/_byoa/`. */
export async function serveControl(
  control: Control,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const body = await readBody(incoming, MAX_CONTROL_BYTES);
  const answer: Answer = body.ok
    ? await dispatch(control, incoming, body.value)
    : fail(body.error.status, 'The request was not read.', body.error.why, 'Send less, and send it plain.');
  const { status, json } = answer.ok
    ? { status: answer.value.status, json: answer.value.body }
    : { status: answer.error.status, json: { error: answer.error } };
  await new Promise<void>((resolve) => control.later(resolve));
  if (outgoing.destroyed) return;
  const text = `${JSON.stringify(json)}\n`;
  outgoing.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...(!body.ok && { connection: 'close' }),
  });
  outgoing.end(text);
}

async function dispatch(control: Control, incoming: IncomingMessage, text: string): Promise<Answer> {
  if (incoming.headers.origin !== undefined) {
    return fail(
      403,
      'Requests of web pages are refused.',
      'Any page could otherwise control a simulator on this machine.',
      'Use byoa sim ctl, curl or a program.',
    );
  }
  const url = new URL(incoming.url ?? '/', 'http://control');
  const segments = url.pathname
    .split('/')
    .slice(2)
    .filter((each) => each !== '')
    .map(decodeSegment);
  const matching = routes.filter((route) => matches(route.path, segments));
  const route = matching.find((each) => each.method === incoming.method);
  if (route === undefined) {
    const known = routes.map((each) => `${each.method} /_byoa/${each.path.join('/')}`).join(', ');
    return matching.length > 0
      ? fail(
          405,
          `${incoming.method} is not possible at ${url.pathname}.`,
          'Nothing is done by this method.',
          `Use ${matching.map((each) => each.method).join(' or ')}.`,
        )
      : fail(404, `There is nothing at ${url.pathname}.`, 'No such route.', `Routes: ${known}.`);
  }
  const body = parseJson(text);
  if (!body.ok) return fail(400, 'The body is not JSON.', body.error, 'Send one JSON object, or nothing.');
  const path = segments.filter((_, index) => route.path[index] === '*');
  return control.act(() =>
    route.run({ control, world: control.world(), path, query: url.searchParams, body: body.value }),
  );
}

const matches = (path: readonly string[], segments: readonly string[]): boolean =>
  path.length === segments.length && path.every((each, index) => each === '*' || each === segments[index]);

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function parseJson(text: string): Result<unknown> {
  if (text.trim() === '') return ok({});
  try {
    return ok(JSON.parse(text));
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}
