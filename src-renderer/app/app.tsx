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

export function App() {
  useEffect(refreshAfterReconnect, []);
  return (
    <TextProvider>
      <QueryClientProvider client={cache}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </TextProvider>
  );
}
