/** Text as it must stand in HTML and SVG, in content and in attributes. */
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const esc = (text: string): string => text.replace(/[&<>"']/g, (found) => ENTITIES[found] ?? found);
