import { RE2JS } from 're2js';
import type { Patterns } from '@juice/scheduling';

/**
 * Patterns of constraints, in RE2's syntax: matched in time linear in the text, whoever wrote them. One that does not compile
 * (the api refuses those; a document may hold one all the same) fits nothing.
 */
export const linearPatterns: Patterns = (pattern) => {
  try {
    const compiled = RE2JS.compile(pattern);
    return (text) => compiled.matches(text);
  } catch {
    return () => false;
  }
};
