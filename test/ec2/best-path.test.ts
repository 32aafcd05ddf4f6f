/** Which of several paths a gateway uses where all that was announced is the same. */
import { expect, it } from 'vitest';
import { bestPaths } from '../../sim/ec2/best-path.ts';
import type { LearntPath } from '../../sim/ec2/record/routing.ts';

const path = (nextHop: string): LearntPath => ({
  prefix: '10.9.0.0/16',
  asPath: '65010',
  origin: 'igp',
  nextHop,
  neighbor: nextHop,
  communities: [],
});

it('the lowest next hop wins by its number, whatever its text and the order of arrival', () => {
  const [low, high] = [path('169.254.6.9'), path('169.254.6.17')];
  for (const paths of [
    [low, high],
    [high, low],
  ])
    expect(bestPaths(paths).get('10.9.0.0/16')).toBe(low);
  const [first, later] = [path('127.0.0.1'), path('128.0.0.1')];
  for (const paths of [
    [first, later],
    [later, first],
  ])
    expect(bestPaths(paths).get('10.9.0.0/16')).toBe(first);
  expect(bestPaths([path('fd00::10'), path('fd00::9')]).get('10.9.0.0/16')?.nextHop).toBe('fd00::9');
});
