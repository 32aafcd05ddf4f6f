/** The cases that stop, kill or freeze a daemon: one after another, at the end. */
import type { Case } from './case.ts';

export const LAST_CASES: readonly Case[] = [];
