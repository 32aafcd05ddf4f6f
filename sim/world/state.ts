/** What a world is made of. Types only; world.ts makes one. */
import type { Speaker } from '../../controller/bgp/speaker.ts';
import type { Guest } from '../vpc/guest.ts';
import type { GatewaySpeaker } from '../vpc/model.ts';
import type { End, InternetHost, Network } from '../vpc/network.ts';
import type { Api } from './api.ts';
import type { Endpoint } from './endpoint.ts';
import type { Flow } from './flows.ts';
import type { LinkState } from './links.ts';
import type { Records } from './records.ts';
import type { Heard } from './routes-heard.ts';
import type { Service } from './services.ts';
import type { Settings } from './settings.ts';

/** A tunnel: the far end's outer address, IPv4, and the machine's own addresses inside, with lengths. */
export interface ProfileTunnel {
  /** `gre` to a transit gateway, where absent; `ipsec` of a VPN connection. */
  readonly kind?: 'gre' | 'ipsec';
  readonly remote: string;
  readonly inside: readonly string[];
  /** The index of the device that carries it; the first where absent. */
  readonly device?: number;
}

/** What a machine's image does at each start. */
export interface Profile {
  /**
   * `router` forwards; `nat` also masquerades what leaves through its device 0; `geneve` also gives back what
   * a Gateway Load Balancer sends it.
   */
  readonly role: 'host' | 'router' | 'nat' | 'geneve';
  /** Of `nat`: blocks from which packets to elsewhere are masqueraded; all packets where absent. */
  readonly translates?: readonly string[];
  /** Tunnels to addresses of transit gateways and VPN gateways. */
  readonly tunnels?: readonly ProfileTunnel[];
  /** Addresses that EC2 does not know, on the first device. */
  readonly overlay?: readonly string[];
  readonly services: readonly Service[];
}

/** An instance's machine: its kernel as the packets see it, and its sockets and programs. */
export interface Machine {
  readonly endpoint: Endpoint;
  readonly kernel: Guest;
}

/** The BGP speaker beside a gateway, at work. */
export interface Gateway {
  readonly endpoint: Endpoint;
  /** As the network knows it: what it is inside of tunnels. */
  readonly hosts: readonly InternetHost[];
  readonly speaker: Speaker;
  readonly configure: (value: GatewaySpeaker) => void;
  readonly end: () => void;
}

/** A host outside as it was placed. */
export interface PlacedHost {
  readonly address: string;
  readonly services: readonly Service[];
  /** The customer gateway of its site; absent on the Internet. */
  readonly behind?: string;
}

/** What a site's router announces, and how. */
export interface Announced {
  /** Prefixes, canonical. */
  readonly announces: readonly string[];
  readonly med?: number;
  /** How often the site's AS stands in front of the path once more. */
  readonly prepend?: number;
  /** E.g. `7224:7300`. */
  readonly communities?: readonly string[];
}

export interface SiteRouterOptions extends Announced {
  /** What is otherwise through a tunnel, by its address outside, or a virtual interface, by its BGP peer. */
  readonly tunnels?: Readonly<Record<string, Partial<Announced>>>;
  /** Whether it answers the BFD of virtual interfaces. */
  readonly bfd?: boolean;
  /** The TCP-MD5 key of its sessions over virtual interfaces, where it is not the one that they have. */
  readonly authKey?: string;
}

/** The customer's router behind a customer gateway, or at the end of a Direct Connect connection. */
export interface SiteRouter {
  readonly endpoint: Endpoint;
  options: SiteRouterOptions;
  /** Follows what has changed of its options and its connections. */
  readonly refresh: () => void;
  /** Its sessions by tunnel, with what it has been told. */
  readonly sessions: () => readonly {
    readonly tunnel: string;
    readonly state: string;
    readonly heard: readonly Heard[];
  }[];
}

export interface World extends LinkState {
  readonly settings: Settings;
  readonly api: Api;
  /** Resources as the data plane knows them. */
  readonly records: Records;
  readonly network: Network;
  /** By instance id, from an instance's first start until it is gone. */
  readonly guests: Map<string, Machine>;
  /** By instance id; may be set before the instance first runs. */
  readonly profiles: Map<string, Profile>;
  /** Internet hosts by address. */
  readonly hosts: Map<string, Endpoint>;
  /** The same hosts as the network knows them. */
  readonly ends: Map<string, End>;
  /** The same hosts as they were placed. */
  readonly placed: Map<string, PlacedHost>;
  readonly flows: Map<string, Flow>;
  /** BGP speakers beside gateways, by the id of what they belong to. */
  readonly gateways: Map<string, Gateway>;
  /** Instances whose machine changed since somebody last saved it; hosts and routers likewise. */
  readonly unsaved: {
    readonly guests: Set<string>;
    readonly hosts: Set<string>;
    /** Customer gateways whose router has changed. */
    readonly routers: Set<string>;
  };
  /** By customer gateway. */
  readonly routers: Map<string, SiteRouter>;
  /** The ENIs of load balancers whose machines run, by load balancer. */
  readonly balancerNodes: Map<string, readonly string[]>;
  /** Targets that are being checked, by target group and target. */
  readonly healthChecks: Set<string>;
}
