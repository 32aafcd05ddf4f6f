/** BGP, BFD and kernel routes as the daemon uses them: what machines take, without the secrets. */
import type { Millis } from '../base/time.ts';
import type { BfdAuthentication, BfdOptions } from '../bfd/options.ts';
import type { Origination, PrefixRange, SpeakerOptions } from '../bgp/options.ts';

/** Where a secret is. Its text is read at start and on reload, and is never journalled, logged or shown. */
export interface SecretSource {
  readonly file?: string;
  readonly env?: string;
  /** The name of a parameter of Systems Manager. */
  readonly ssm?: string;
}

export interface SecretAuthentication {
  readonly type: BfdAuthentication['type'];
  readonly keyId: number;
  readonly key: SecretSource;
}

/** A route that is announced only while appliances are dead. */
export interface StandIn {
  readonly route: Origination;
  /** All of them. */
  readonly whileDead: readonly string[];
  /** For so long one of them must have been healthy until it is withdrawn. */
  readonly lingerMs: Millis;
}

export interface BgpConfig {
  /** Without passwords and keys. */
  readonly options: SpeakerOptions;
  /** TCP-MD5 passwords, by the name of the neighbor. */
  readonly passwords: Readonly<Record<string, SecretSource>>;
  /** Keys of BFD, by the name of the neighbor. */
  readonly bfdKeys: Readonly<Record<string, SecretAuthentication>>;
  readonly standIns: readonly StandIn[];
  /** The appliance that a neighbor is, by the name of the neighbor. */
  readonly appliances: Readonly<Record<string, string>>;
}

/** Of a BFD session where nothing else is said: AWS Direct Connect's values. */
export const BFD_DEFAULT = { intervalMs: 300, multiplier: 3 } as const;

export interface BfdSessionConfig {
  /** Names the session: the address. */
  readonly session: string;
  readonly options: BfdOptions;
  readonly key?: SecretAuthentication;
}

export interface KernelConfig {
  /** Linux routing table; 254 is main. */
  readonly table: number;
  readonly metric: number;
  /** The number that marks our routes, rtnetlink(7) rtm_protocol. */
  readonly protocol: number;
  readonly prefixes?: readonly PrefixRange[];
  readonly ecmp: boolean;
  /** Routes stay when the daemon leaves. */
  readonly keepOnStop: boolean;
}

/** All secrets that the configuration points to, each once. */
export function secretsOf(config: {
  readonly bgp?: BgpConfig;
  readonly bfd: readonly BfdSessionConfig[];
}): readonly SecretSource[] {
  const all = [
    ...Object.values(config.bgp?.passwords ?? {}),
    ...Object.values(config.bgp?.bfdKeys ?? {}).map(({ key }) => key),
    ...config.bfd.flatMap(({ key }) => (key === undefined ? [] : [key.key])),
  ];
  return all.filter((one, index) => all.findIndex((other) => secretKey(other) === secretKey(one)) === index);
}

/** Names a secret's place, for maps and for messages. */
export function secretKey({ file, env, ssm }: SecretSource): string {
  if (ssm !== undefined) return `parameter ${ssm}`;
  return file === undefined ? `environment variable ${env}` : `file ${file}`;
}

export type Secrets = ReadonlyMap<string, string>;

const textOf = (secrets: Secrets, source: SecretSource): string => {
  const text = secrets.get(secretKey(source));
  if (text === undefined) throw new Error(`the secret in ${secretKey(source)} has not been read`);
  return text;
};

const authentication = ({ type, keyId, key }: SecretAuthentication, secrets: Secrets): BfdAuthentication => ({
  type,
  keyId,
  key: new TextEncoder().encode(textOf(secrets, key)),
});

/** What the speaker takes: the options with all secrets in their places. */
export function speakerOptions({ options, passwords, bfdKeys }: BgpConfig, secrets: Secrets): SpeakerOptions {
  const fill = <T extends SpeakerOptions['neighbors'][number] | SpeakerOptions['dynamic'][number]>(
    one: T,
  ): T => {
    const password = passwords[one.name];
    const key = bfdKeys[one.name];
    return {
      ...one,
      ...(password === undefined ? {} : { password: textOf(secrets, password) }),
      ...(key === undefined || one.bfd === undefined
        ? {}
        : { bfd: { ...one.bfd, authentication: authentication(key, secrets) } }),
    };
  };
  return { ...options, neighbors: options.neighbors.map(fill), dynamic: options.dynamic.map(fill) };
}

/** What the BFD machine takes for a session that no neighbor asks for. */
export const bfdOptions = ({ options, key }: BfdSessionConfig, secrets: Secrets): BfdOptions =>
  key === undefined ? options : { ...options, authentication: authentication(key, secrets) };
