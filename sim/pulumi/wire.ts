/**
 * The messages of Pulumi's protocol, as its Node SDK ships them. They are not a documented interface: the
 * SDK's version is pinned, and `test/pulumi` deploys real programs through them.
 */
import engine from '@pulumi/pulumi/proto/engine_pb.js';
import provider from '@pulumi/pulumi/proto/provider_pb.js';
import resource from '@pulumi/pulumi/proto/resource_pb.js';
import emptyMessage from 'google-protobuf/google/protobuf/empty_pb.js';
import struct from 'google-protobuf/google/protobuf/struct_pb.js';
import type { Registration } from './register.ts';
import type { Properties } from './value.ts';

export const empty = (): object => new emptyMessage.Empty();

const properties = (message: struct.Struct | undefined): Properties =>
  (message?.toJavaScript() as Properties | undefined) ?? {};

const structOf = (values: Properties): struct.Struct =>
  struct.Struct.fromJavaScript(values as Parameters<typeof struct.Struct.fromJavaScript>[0]);

/** The features of the protocol that this engine has; the SDK then keeps to them. */
const FEATURES: Readonly<Record<string, number>> = {
  secrets: resource.ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_SECRETS,
  deletedWith: resource.ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
};

export type RegisterRequest = InstanceType<typeof resource.RegisterResourceRequest>;
export type OutputsRequest = InstanceType<typeof resource.RegisterResourceOutputsRequest>;
export type InvokeRequest = InstanceType<typeof resource.ResourceInvokeRequest>;
export type ReadRequest = InstanceType<typeof resource.ReadResourceRequest>;
export type FeatureRequest = InstanceType<typeof resource.SupportsFeatureRequest>;
export type LogRequest = InstanceType<typeof engine.LogRequest>;
export type RootRequest = InstanceType<typeof engine.SetRootResourceRequest>;

export function deploymentInfo(project: string, stack: string, dry: boolean): object {
  const info = new resource.DeploymentInfo();
  info.setProject(project);
  info.setStack(stack);
  info.setDryrun(dry);
  info.setSupportedfeaturesList(Object.values(FEATURES));
  return info;
}

export function featureReply(request: FeatureRequest): object {
  const reply = new resource.SupportsFeatureResponse();
  reply.setHassupport(request.getId() in FEATURES);
  return reply;
}

/** Reads a registration; throws an error for what this engine does not do. */
export function readRegistration(request: RegisterRequest): Registration {
  const name = request.getName();
  const refuse = (what: string): never => {
    throw new Error(
      `'${name}' uses ${what}, which the test engine does not do; deploy it with the Pulumi CLI`,
    );
  };
  if (request.getImportid() !== '') refuse('the option import');
  if (request.getTransformsList().length > 0) refuse('transforms');
  if (request.hasHooks()) refuse('hooks');
  const dependencies = [...request.getPropertydependenciesMap().entries()].map(
    ([key, value]): [string, readonly string[]] => [key, value.getUrnsList()],
  );
  return {
    type: request.getType(),
    name,
    parent: request.getParent(),
    custom: request.getCustom(),
    inputs: properties(request.getObject()),
    dependencies: request.getDependenciesList(),
    propertyDependencies: Object.fromEntries(dependencies),
    provider: request.getProvider(),
    version: request.getVersion(),
    ignoreChanges: request.getIgnorechangesList(),
    replaceOnChanges: request.getReplaceonchangesList(),
    deleteBeforeReplace: request.getDeletebeforereplacedefined()
      ? request.getDeletebeforereplace()
      : undefined,
    protect: request.getProtect() ?? false,
    retainOnDelete: request.getRetainondelete() ?? false,
    deletedWith: request.getDeletedwith(),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    aliases: [...request.getAliasurnsList(), ...request.getAliasesList().map((alias) => alias.getUrn())],
  };
}

/** The answer to the registration of a component that a plugin constructed. */
export function constructReply(made: InstanceType<typeof provider.ConstructResponse>): object {
  const reply = new resource.RegisterResourceResponse();
  reply.setUrn(made.getUrn());
  reply.setObject(made.getState());
  return reply;
}

/** The answer to a registration; without an id in a preview, where the SDK takes it for unknown. */
export function registerReply(urn: string, id: string | undefined, outputs: Properties): object {
  const reply = new resource.RegisterResourceResponse();
  reply.setUrn(urn);
  reply.setId(id ?? '');
  reply.setObject(structOf(outputs));
  return reply;
}

export const readOutputs = (
  request: OutputsRequest,
): { readonly urn: string; readonly outputs: Properties } => ({
  urn: request.getUrn(),
  outputs: properties(request.getOutputs()),
});

export const readInvoke = (request: InvokeRequest) => ({
  token: request.getTok(),
  args: properties(request.getArgs()),
  provider: request.getProvider(),
});

export function invokeReply(result: Properties): object {
  const reply = new provider.InvokeResponse();
  reply.setReturn(structOf(result));
  return reply;
}

export const readRead = (request: ReadRequest) => ({
  id: request.getId(),
  type: request.getType(),
  name: request.getName(),
  parent: request.getParent(),
  provider: request.getProvider(),
  inputs: properties(request.getProperties()),
  dependencies: request.getDependenciesList(),
});

export function readReply(urn: string, outputs: Properties): object {
  const reply = new resource.ReadResourceResponse();
  reply.setUrn(urn);
  reply.setProperties(structOf(outputs));
  return reply;
}

const SEVERITIES = ['debug', 'info', 'warning', 'error'] as const;

/** A line of the program's log; undefined for debugging. */
export function readLog(
  request: LogRequest,
): { readonly severity: 'info' | 'warning' | 'error'; readonly text: string } | undefined {
  const severity = SEVERITIES[request.getSeverity()] ?? 'info';
  return severity === 'debug' ? undefined : { severity, text: request.getMessage().trim() };
}

export const rootReply = (): object => new engine.SetRootResourceResponse();

export function rootUrnReply(urn: string): object {
  const reply = new engine.GetRootResourceResponse();
  reply.setUrn(urn);
  return reply;
}
