import { useMemo } from 'react';
import { I18nProvider } from 'react-aria-components';
import { createBrowserRouter, Navigate, type RouteObject, RouterProvider } from 'react-router';
import { Provider } from 'urql';

import { createClient } from './api/client';
import { useToken } from './api/session';
import { Broken, NotFound } from './pages/broken';
import { SignIn } from './pages/sign-in';
import { Shell } from './shell';
import { Loading } from './ui/parts';

/** Every page. The server answers these paths with the console (src/http/console.rs). */
const pages: RouteObject[] = [
  { index: true, element: <Navigate to="/accounts" replace /> },
  { path: 'accounts', lazy: () => import('./pages/accounts') },
  { path: 'syncs', lazy: () => import('./pages/batches') },
  { path: 'syncs/new', lazy: () => import('./pages/new-sync') },
  { path: 'syncs/:id', lazy: () => import('./pages/batch') },
  { path: 'timeline', lazy: () => import('./pages/timeline'), children: [{ path: ':id', lazy: () => import('./pages/reader') }] },
  { path: 'people', lazy: () => import('./pages/people'), children: [{ path: ':id', lazy: () => import('./pages/person') }] },
  { path: 'insights', lazy: () => import('./pages/insights') },
  { path: 'activity', lazy: () => import('./pages/activity') },
  { path: '*', element: <NotFound /> },
];

const router = createBrowserRouter([
  {
    element: <Shell />,
    errorElement: <Broken />,
    HydrateFallback: () => <Loading what="the console" />,
    children: [{ errorElement: <Broken />, children: pages }],
  },
]);

export function App() {
  const token = useToken();
  const client = useMemo(() => (token ? createClient(token) : null), [token]);
  return (
    <I18nProvider>
      {client ? (
        <Provider value={client}>
          <RouterProvider router={router} />
        </Provider>
      ) : (
        <SignIn />
      )}
    </I18nProvider>
  );
}
