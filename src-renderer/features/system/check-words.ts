/** The host check in the reader's language, as far as there are words for it; otherwise in the engine's own. Pure. */
import type { CheckLine, CheckTextKey } from '../../../src-main/contract/system.ts';
import { reasons, sentences } from './check-words-ja.ts';
import type { Language } from '../../text/text.ts';

export interface Words {
  readonly text: string;
  readonly language: Language;
}

export function checkWords(line: CheckLine, language: Language): Readonly<Record<'value' | 'why' | 'fix', Words>> {
  const own = (text: string): Words => ({ text, language: 'en' });
  if (language === 'en') return { value: own(line.value), why: own(line.why), fix: own(line.fix) };
  const said = (keys: readonly CheckTextKey[]): Words => ({
    text: keys.map((key) => fill(sentences[key], line.values)).join(''),
    language,
  });
  const reason = reasons[line.id];
  return {
    value: line.valueKey === undefined ? own(line.value) : said([line.valueKey]),
    why: reason === undefined ? own(line.why) : { text: reason, language },
    fix: said(line.fixKeys),
  };
}

function fill(sentence: string, values: Readonly<Record<string, string>>): string {
  return sentence.replace(/\{\{(\w+)\}\}/g, (place, name: string) => values[name] ?? place);
}
