/** What the engine asks of a provider: how each type of resource is created, read, updated and deleted. */
import type { Properties } from './value.ts';

/** A resource as the provider reports it. */
export interface Made {
  readonly id: string;
  readonly outputs: Properties;
}

/** One type of resource, such as `aws:ec2/vpc:Vpc`. Inputs are checked, and secrets in them are laid open. */
export interface ResourceType {
  /** Whether a change of this property needs a new resource. */
  replaces(property: string, old: Properties, inputs: Properties): boolean;
  /**
   * Fills in defaults and names; throws an error for inputs that cannot be right. `old` are the inputs so
   * far.
   */
  check(name: string, inputs: Properties, old: Properties | undefined): Properties;
  create(inputs: Properties): Promise<Made>;
  /** The resource as it is now, or undefined where it is gone. */
  read(id: string, inputs: Properties): Promise<Made | undefined>;
  update(id: string, old: Properties, inputs: Properties): Promise<Made>;
  /** Returns when the resource is gone; succeeds where it is gone already. */
  remove(id: string, inputs: Properties): Promise<void>;
}

export interface Provider {
  /** The type of that token; throws an error where the provider has none. */
  resourceType(token: string): ResourceType;
  /** A function such as `aws:ec2/getAmi:getAmi`. */
  invoke(token: string, args: Properties): Promise<Properties>;
  /** Closes its connections. */
  close(): void;
}

/**
 * Makes the provider of a package from its configuration (`region`, `endpoints`, ...), with secrets laid
 * open.
 */
export type ProviderFactory = (config: Properties) => Provider;
