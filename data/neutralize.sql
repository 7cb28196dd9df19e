-- A copied database talks to no pharmacy app: not out, and not in.
UPDATE sync_backend
   SET paused = true, api_key_secret = NULL, webhook_secret_secret = NULL,
       url = 'http://neutralized.invalid';
