import { type ReactNode, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { isLanguage, TextContext } from './text.ts';

/** Follows the language for all components below. */
export function TextProvider({ children }: { readonly children: ReactNode }) {
  const { t, i18n } = useTranslation();
  const language = isLanguage(i18n.language) ? i18n.language : 'en';
  const value = useMemo(() => ({ t, language }), [t, language]);
  return <TextContext value={value}>{children}</TextContext>;
}
