import { useState } from 'react';
import { Input, Label, TextField } from 'react-aria-components';

import { signIn, useEnded } from '../api/session';
import { signInAddress } from '../api/settings';
import mark from '../mark.svg';
import { Button, Note } from '../ui/parts';

/** Asks for a bearer token. Operators send people here with one in the address: `#token=...`. */
export function SignIn() {
  const ended = useEnded();
  const [token, setToken] = useState('');
  const address = signInAddress();
  return (
    <main className="gate">
      <title>Sign in · omnisync</title>
      <div className="card">
        <form
          className="inside"
          onSubmit={(submission) => {
            submission.preventDefault();
            if (token.trim()) signIn(token.trim());
          }}
        >
          <span className="brand">
            <img src={mark} alt="" />
            omnisync
          </span>
          <h1>Sign in</h1>
          {ended === 'expired' && (
            <Note tone="wait">Your sign-in has ended, or the server does not take it. Nothing is lost; sign in again to go on where you were.</Note>
          )}
          {address ? (
            <a className="button main" href={address}>
              Sign in with your organisation
            </a>
          ) : (
            <p className="soft">Use the link your organisation gave you, which signs you in by itself, or paste a user’s bearer token.</p>
          )}
          <TextField className="field" value={token} onChange={setToken} type="password" isRequired>
            <Label>Bearer token</Label>
            <Input className="input" autoComplete="off" />
          </TextField>
          <Button look={address ? 'plain' : 'main'} type="submit">
            {address ? 'Use this token' : 'Sign in'}
          </Button>
          <p className="small soft">
            The token is kept in this tab only. On your own machine, <code>script/dev</code> prints an address that carries one.
          </p>
        </form>
      </div>
    </main>
  );
}
