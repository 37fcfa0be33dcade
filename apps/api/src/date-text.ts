/** Writes an instant as the original does. */
export type DateText = (at: Date) => string;

/**
 * `Dec 8, 2016 3:58:29 PM` in a zone (an IANA name): Gson's default, US medium date and medium time. Put together from
 * parts: the engine's own text has a comma after the year and, since ICU 72, a narrow no-break space before AM and PM.
 * Throws RangeError for a zone that is unknown.
 */
export function createDateText(timeZone: string): DateText {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h12',
  });
  return (at) => {
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
    const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
    const date = `${part('month')} ${part('day')}, ${part('year')}`;
    return `${date} ${part('hour')}:${part('minute')}:${part('second')} ${part('dayPeriod')}`;
  };
}

export function isTimeZone(name: string): boolean {
  try {
    createDateText(name);
    return true;
  } catch {
    return false;
  }
}
