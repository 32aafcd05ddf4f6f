/** `byoa check`: one line for each thing that must hold, with a remedy where it does not. Changes nothing. */
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { type Config, formatConfigError, ownAppliance, parseConfig } from '../config.ts';
import type { Finding } from './finding.ts';

export interface CheckOptions {
  readonly config: string;
  readonly aws?: boolean;
  /** Also the machine; without it, only where the machine has the address of the node's appliance. */
  readonly local?: boolean;
  readonly json?: boolean;
}

/** Prints the findings; exit code 1 where one is not fine. */
export async function check(options: CheckOptions): Promise<void> {
  const { config, findings: first } = await checkFile(options.config);
  const print = (finding: Finding): void => {
    process.stdout.write(options.json ? `${JSON.stringify(finding)}\n` : describe(finding));
  };
  for (const finding of first) print(finding);
  const findings = [...first];
  const take = async (more: AsyncIterable<Finding>): Promise<void> => {
    for await (const finding of more) {
      findings.push(finding);
      print(finding);
    }
  };
  if (config !== undefined && (options.local || isItsMachine(config))) {
    const { checkLocal } = await import('./check-local.ts');
    await take(checkLocal(config));
  }
  if (config !== undefined && options.aws) {
    const { checkAws } = await import('./check-aws.ts');
    await take(checkAws(config));
  }
  if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
}

/** Whether this machine has the address of the node's own appliance. */
function isItsMachine(config: Config): boolean {
  const own = ownAppliance(config)?.address;
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === own));
}

const describe = ({ ok, what, remedy }: Finding): string =>
  `${ok ? 'ok  ' : 'FAIL'}  ${what}${remedy === undefined ? '' : `; ${remedy}`}\n`;

async function checkFile(file: string): Promise<{ config?: Config; findings: readonly Finding[] }> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    return { findings: [{ ok: false, what, remedy: 'name the configuration with --config FILE' }] };
  }
  const parsed = parseConfig(text, file);
  if (!parsed.ok) {
    return { findings: parsed.error.map((error) => ({ ok: false, what: formatConfigError(error) })) };
  }
  const { node, appliances, groups } = parsed.value;
  const what = `${file}: node ${node}, ${appliances.length} appliances, ${groups.length} groups`;
  return { config: parsed.value, findings: [{ ok: true, what }] };
}
