/** What the race injects. */
export const API_MS = 150;
export const PROPAGATION_MS = 50;
