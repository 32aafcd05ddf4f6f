/** Which action is handled where. */
import type { Handler, Handlers, Transitions } from './handler.ts';
import { internetGatewayHandlers } from './handlers/internet-gateway.ts';
import type { ServiceName } from './shape.ts';

const ec2: Handlers = { ...internetGatewayHandlers };

const sts: Handlers = {};

const iam: Handlers = {};

const services: Readonly<Record<ServiceName, Handlers>> = { ec2, sts, iam };

/** The handler of an action, or undefined where the action is not simulated. */
export const handlerFor = (service: ServiceName, action: string): Handler | undefined =>
  Object.hasOwn(services[service], action) ? services[service][action] : undefined;

/** Steps of state machines by name. */
export const transitions: Transitions = {};
