import './styles/base.css';
import './styles/frame.css';
import './styles/parts.css';
import './styles/table.css';
import './styles/pages.css';
import './styles/disk.css';
import { QueryClientProvider } from '@tanstack/react-query';
import { useEffect } from 'react';
import { RouterProvider } from 'react-router/dom';
import { cache, refreshAfterReconnect } from '../client/cache.ts';
import { TextProvider } from '../text/provider.tsx';
import { router } from './routes.tsx';

/** A file that is let go of beside the places that take one would otherwise be opened instead of this page. */
function ignoreStrayDrops(): () => void {
  const ignore = (event: DragEvent) => {
    if (event.dataTransfer?.types.includes('Files') === true) event.preventDefault();
  };
  window.addEventListener('dragover', ignore);
  window.addEventListener('drop', ignore);
  return () => {
    window.removeEventListener('dragover', ignore);
    window.removeEventListener('drop', ignore);
  };
}

export function App() {
  useEffect(refreshAfterReconnect, []);
  useEffect(ignoreStrayDrops, []);
  return (
    <TextProvider>
      <QueryClientProvider client={cache}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </TextProvider>
  );
}
