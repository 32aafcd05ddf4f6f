/**
 * The gRPC services that a Pulumi program talks to: ResourceMonitor and Engine, on loopback, for one run of
 * one program.
 */
import { setTimeout } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import engineServices from '@pulumi/pulumi/proto/engine_grpc_pb.js';
import resourceServices from '@pulumi/pulumi/proto/resource_grpc_pb.js';
import { construct } from './construct.ts';
import { register } from './register.ts';
import { deleteAll } from './remove.ts';
import { providerOf, type Stack, save, stepOf, taken } from './stack.ts';
import { urnOf } from './state.ts';
import { hasUnknown, revealedProperties } from './value.ts';
import * as wire from './wire.ts';

export interface Monitor {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** Set when the program has run to its end and what it no longer has is deleted. */
  isFinished(): boolean;
  /** Resolves when something has failed and nothing is under way for a while. */
  stopped(): Promise<void>;
  close(): void;
}

/** One unary method: a failure of `answer` reaches the program as the error of its call. */
const unary =
  <Request>(run: Run, answer: (request: Request) => object | Promise<object>): grpc.UntypedHandleCall =>
  (call: grpc.ServerUnaryCall<Request, object>, callback: grpc.sendUnaryData<object>): void => {
    run.calls += 1;
    run.open += 1;
    Promise.resolve()
      .then(() => answer(call.request))
      .then(
        (reply) => callback(null, reply),
        (error: unknown) => {
          const failure = error instanceof Error ? error : new Error(String(error));
          run.stack.failure ??= failure;
          callback({ code: grpc.status.UNKNOWN, details: failure.message });
        },
      )
      .finally(() => {
        run.open -= 1;
      });
  };

/** One run of one program: how many calls it has made, and how many of them are not answered. */
interface Run {
  readonly stack: Stack;
  calls: number;
  open: number;
  closed: boolean;
}

const QUIET_MS = 1000;

/** A program that waits for what has failed may wait for good: it is over when it asks for nothing more. */
async function untilStopped(run: Run): Promise<void> {
  const isBusy = (seen: number): boolean =>
    run.stack.failure === undefined || run.open > 0 || run.calls !== seen;
  for (let seen = -1; isBusy(seen) && !run.closed; ) {
    seen = run.calls;
    await setTimeout(QUIET_MS, undefined, { ref: false });
  }
}

/** Deletes what the program has no longer, and what was replaced. */
async function finish(stack: Stack): Promise<void> {
  if (stack.failure !== undefined) throw stack.failure;
  const usedProviders = new Set([...stack.now.values()].flatMap((one) => one.provider ?? []));
  const gone = [...stack.before.values()].filter((one) => !usedProviders.has(`${one.urn}::${one.id}`));
  await deleteAll(stack, [...stack.retired, ...gone]);
}

/** Reads a resource that another deployment owns (`aws.ec2.Vpc.get`). */
async function readResource(stack: Stack, request: wire.ReadRequest): Promise<object> {
  const { id, type, name, parent, provider, inputs, dependencies } = wire.readRead(request);
  const urn = urnOf(stack.name, stack.project, parent, type, name);
  const given = revealedProperties(inputs);
  if (hasUnknown(id)) return wire.readReply(urn, inputs);
  const made = await taken(stack, stepOf('read', { urn, type }), async () => {
    const found = await providerOf(stack, provider, type).resourceType(type).read(id, given);
    if (found === undefined) throw new Error(`there is no such resource: ${id}`);
    return found;
  });
  stack.before.delete(urn);
  stack.now.set(urn, {
    urn,
    type,
    custom: true,
    external: true,
    id,
    inputs,
    outputs: made.outputs,
    dependencies,
    propertyDependencies: {},
    ...(parent === '' ? {} : { parent }),
  });
  save(stack);
  return wire.readReply(urn, made.outputs);
}

function monitorHandlers(
  run: Run,
  address: () => string,
  finished: () => void,
): grpc.UntypedServiceImplementation {
  const { stack } = run;
  return {
    getDeploymentInfo: unary(run, () => wire.deploymentInfo(stack.project, stack.name, stack.dry)),
    supportsFeature: unary(run, (request: wire.FeatureRequest) => wire.featureReply(request)),
    registerResource: unary(run, async (request: wire.RegisterRequest) => {
      if (request.getRemote()) return wire.constructReply(await construct(stack, request, address()));
      const state = await register(stack, wire.readRegistration(request));
      return wire.registerReply(state.urn, state.id, state.custom ? state.outputs : {});
    }),
    registerResourceOutputs: unary(run, (request: wire.OutputsRequest) => {
      const { urn, outputs } = wire.readOutputs(request);
      const state = stack.now.get(urn);
      if (state !== undefined) stack.now.set(urn, { ...state, outputs });
      return wire.empty();
    }),
    readResource: unary(run, (request: wire.ReadRequest) => readResource(stack, request)),
    invoke: unary(run, async (request: wire.InvokeRequest) => {
      const { token, args, provider } = wire.readInvoke(request);
      return wire.invokeReply(
        await providerOf(stack, provider, token).invoke(token, revealedProperties(args)),
      );
    }),
    signalAndWaitForShutdown: unary(run, async () => {
      await finish(stack);
      finished();
      return wire.empty();
    }),
  };
}

function engineHandlers(run: Run): grpc.UntypedServiceImplementation {
  const { stack } = run;
  return {
    log: unary(run, (request: wire.LogRequest) => {
      const line = wire.readLog(request);
      if (line !== undefined) stack.onEvent({ kind: 'message', ...line });
      if (line?.severity === 'error') stack.failure ??= new Error(line.text);
      return wire.empty();
    }),
    getRootResource: unary(run, () => wire.rootUrnReply(stack.rootUrn)),
    setRootResource: unary(run, (request: wire.RootRequest) => {
      stack.rootUrn = request.getUrn();
      return wire.rootReply();
    }),
  };
}

/** Pulumi's messages may be large: user data, policies. */
const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;

/** Serves both on a port of the system's choice. */
export async function startMonitor(stack: Stack): Promise<Monitor> {
  const run: Run = { stack, calls: 0, open: 0, closed: false };
  let isFinished = false;
  let address = '';
  const server = new grpc.Server({ 'grpc.max_receive_message_length': MAX_MESSAGE_BYTES });
  const finished = (): void => {
    isFinished = true;
  };
  server.addService(
    resourceServices.ResourceMonitorService,
    monitorHandlers(run, () => address, finished),
  );
  server.addService(engineServices.EngineService, engineHandlers(run));
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = grpc.ServerCredentials.createInsecure();
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  address = `127.0.0.1:${port}`;
  return {
    address,
    isFinished: () => isFinished,
    stopped: () => untilStopped(run),
    close: () => {
      run.closed = true;
      server.forceShutdown();
    },
  };
}
