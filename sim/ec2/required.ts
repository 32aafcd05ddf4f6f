/** Checks for parameters that an action requires or does not know, from the schemas of the SDK's clients. */
import { missing, refuse } from './refusal.ts';
import { missingMember, operationOf, type ServiceName } from './shape.ts';

/** Refuses an input that lacks a required member, in the words of the service. */
export function checkRequired(service: ServiceName, action: string, input: object): void {
  const operation = operationOf(service, action);
  const name = operation && missingMember(operation.input, input);
  if (name === undefined) return;
  if (service === 'ec2') missing(name);
  if (service === 'directconnect')
    refuse('DirectConnectClientException', `The parameter ${name} is missing.`);
  const at = name.charAt(0).toLowerCase() + name.slice(1);
  const fault = `Value null at '${at}' failed to satisfy constraint: Member must not be null`;
  const code = service === 'ssm' ? 'ValidationException' : 'ValidationError';
  refuse(code, `1 validation error detected: ${fault}`);
}

/** Refuses a dry run of what has none, which some clients ask for all the same. */
export function checkDryRun(action: string): void {
  const shape = operationOf('ec2', action)?.input;
  if (shape?.kind === 'structure' && !shape.members.some(({ name }) => name === 'DryRun'))
    refuse('UnknownParameter', 'The parameter DryRun is not recognized');
}
