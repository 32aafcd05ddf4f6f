/** The numbers of RFC 5880 4.1 as words, and back. */
import type { BfdDiagnostic, BfdState } from './event.ts';

const STATES: readonly BfdState[] = ['admin-down', 'down', 'init', 'up'];

const DIAGNOSTICS: readonly BfdDiagnostic[] = [
  'none',
  'control detection time expired',
  'echo function failed',
  'neighbor signaled session down',
  'forwarding plane reset',
  'path down',
  'concatenated path down',
  'administratively down',
  'reverse concatenated path down',
];

/** The state of a two-bit field. */
export const stateOf = (field: number): BfdState => STATES[field & 3] ?? 'down';
export const stateField = (state: BfdState): number => STATES.indexOf(state);
export const diagnosticField = (diagnostic: BfdDiagnostic): number => DIAGNOSTICS.indexOf(diagnostic);

/** A peer's diagnostic in words; those that RFC 5880 reserves by number. */
export const describeDiagnostic = (field: number): string => DIAGNOSTICS[field] ?? `diagnostic ${field}`;
