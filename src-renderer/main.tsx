import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/app.tsx';
import { applyTheme, preferences } from './app/preferences.ts';
import { startText } from './text/text.ts';

const root = document.getElementById('root');
if (!root) throw new Error('the page has no #root');
applyTheme(preferences.get().theme);
await startText(preferences.get().language);
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
