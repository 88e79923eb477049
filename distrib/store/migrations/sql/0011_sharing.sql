-- What a program shows to whom it invites, and how an invite code is found whose program is not known.
ALTER TABLE programs
    ADD COLUMN title    text,                 -- what people read; NULL: the code
    ADD COLUMN join_url text;                 -- the platform's own page for joining

-- Codes are unique within a program alone: two programs may have drawn the same one.
CREATE INDEX shops_invite_code ON shops (invite_code);
-- A link names no program: it shows the shops of the one code that is asked for, and no other.
CREATE POLICY by_invite_code ON shops FOR SELECT TO distrib_web
    USING (invite_code = current_setting('distrib.invite_code', true));
