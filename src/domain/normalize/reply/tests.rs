use std::{fs, path::Path};

use proptest::prelude::*;

use super::{super::html, *};

/// The author's own words of a text.
fn own(text: &str) -> String {
    let (text, own) = split(text);
    own.unwrap_or(text)
}

/// The author's own words of an HTML body.
fn own_of_html(html: &str) -> String {
    own(&html::to_marked_text(html, 1 << 20))
}

/// The line by which programs introduce a quotation in each language: Gmail's, and others'.
const INTRODUCTIONS: &[&str] = &[
    "On Mon, Feb 3, 2025 at 12:34 PM Ada Brook <ada@example.org> wrote:",
    "On Mon, Feb 3, 2025 at 12:34 PM Ada Brook\n<ada.brook.with.a.long.name@example.org> wrote:",
    "On 3 Feb 2025, at 12:34, Ada Brook <ada@example.org> wrote:",
    "On Monday, February 3, 2025 at 12:34:56 PM GMT+1, Ada Brook <ada@example.org> wrote: ",
    "---- On Mon, 03 Feb 2025 12:34:56 +0100 Ada Brook <ada@example.org> wrote ----",
    "Am Mo., 3. Feb. 2025 um 12:34 Uhr schrieb Ada Brook <ada@example.org>:",
    "Am 03.02.2025 um 12:34 schrieb Ada Brook:",
    "Le lun. 3 févr. 2025 à 12:34, Ada Brook <ada@example.org> a écrit :",
    "El lun, 3 feb 2025 a las 12:34, Ada Brook (<ada@example.org>) escribió:",
    "Missatge de Ada Brook <ada@example.org> del dia dl., 3 de febr. 2025 a les 12:34:",
    "El 3 de febr. 2025, a les 12:34, Ada Brook <ada@example.org> va escriure:",
    "Il giorno lun 3 feb 2025 alle ore 12:34 Ada Brook <ada@example.org> ha scritto:",
    "Em seg., 3 de fev. de 2025 às 12:34, Ada Brook <ada@example.org> escreveu:",
    "Op ma 3 feb 2025 om 12:34 schreef Ada Brook <ada@example.org>:",
    "Op 3 feb. 2025 om 12:34 heeft Ada Brook <ada@example.org> het volgende geschreven:",
    "Op Ma. 3 Feb. 2025 om 12:34 het Ada Brook <ada@example.org> geskryf:",
    "Den mån 3 feb. 2025 kl 12:34 skrev Ada Brook <ada@example.org>:",
    "Den man. 3. feb. 2025 kl. 12.34 skrev Ada Brook <ada@example.org>:",
    "man. 3. feb. 2025 kl. 12:34 skrev Ada Brook <ada@example.org>:",
    "ma 3. helmik. 2025 klo 12.34 Ada Brook (ada@example.org) kirjoitti:",
    "pon., 3 lut 2025 o 12:34 Ada Brook <ada@example.org> napisał(a):",
    "W dniu 03.02.2025 o 12:34, Ada Brook pisze:",
    "po 3. 2. 2025 v 12:34 odesílatel Ada Brook <ada@example.org> napsal:",
    "po 3. 2. 2025 o 12:34 Ada Brook <ada@example.org> napísal(a):",
    "Ada Brook <ada@example.org> ezt írta (időpont: 2025. febr. 3., H, 12:34):",
    "2025. 02. 03. 12:34 keltezéssel, Ada Brook <ada@example.org> írta:",
    "Pe lun., 3 feb. 2025 la 12:34, Ada Brook <ada@example.org> a scris:",
    "pon, 3. velj 2025. u 12:34 Ada Brook <ada@example.org> napisao je:",
    "Kuupäev E, 3. veebruar 2025 kell 12:34 kirjutas kasutaja Ada Brook <ada@example.org>:",
    "Ar Llun, 3 Chwef 2025 am 12:34 ysgrifennodd Ada Brook <ada@example.org>:",
    "пн, 3 февр. 2025 г. в 12:34, Ada Brook <ada@example.org>:",
    "3 февраля 2025 г., 12:34 пользователь Ada Brook <ada@example.org> написал:",
    "пн, 3 лют. 2025 р. о 12:34 Ada Brook <ada@example.org> пише:",
    "Ada Brook <ada@example.org>, 3 Şub 2025 Pzt, 12:34 tarihinde şunu yazdı:",
    "Στις Δευ 3 Φεβ 2025 στις 12:34 μ.μ., ο/η Ada Brook <ada@example.org> έγραψε:",
    "Ada Brook <ada@example.org> 于2025年2月3日周一 12:34写道：",
    "2025年2月3日(月) 12:34 Ada Brook <ada@example.org>:",
    "2025년 2월 3일 (월) 오후 12:34, Ada Brook <ada@example.org>님이 작성:",
    "Vào Th 2, 3 thg 2, 2025 vào lúc 12:34 Ada Brook <ada@example.org> đã viết:",
];

/// The headers that Outlook repeats above an older mail, in each language.
const HEADERS: &[&str] = &[
    "From: Ada Brook <ada@example.org>\nSent: Monday, February 3, 2025 12:34 PM\nTo: Grace\nSubject: Lunch",
    "*From:* Ada Brook [mailto:ada@example.org]\n*Sent:* Monday, February 3, 2025 12:34 PM\n*To:* Grace\n*Subject:* Lunch",
    "From: Ada Brook\n\nSent: Monday, February 3, 2025 12:34 PM\n\nTo: Grace\n\nSubject: Lunch",
    "Von: Ada Brook <ada@example.org>\nGesendet: Montag, 3. Februar 2025 12:34\nAn: Grace\nCc: Linus\nBetreff: Mittag",
    "De : Ada Brook <ada@example.org>\nEnvoyé : lundi 3 février 2025 12:34\nÀ : Grace\nObjet : Midi",
    "De: Ada Brook <ada@example.org>\nEnviado: lunes, 3 de febrero de 2025 12:34\nPara: Grace\nAsunto: Comida",
    "De: Ada Brook <ada@example.org>\nEnviat el: dilluns, 3 de febrer de 2025 12:34\nPer a: Grace\nAssumpte: Dinar",
    "Da: Ada Brook <ada@example.org>\nInviato: lunedì 3 febbraio 2025 12:34\nA: Grace\nOggetto: Pranzo",
    "De: Ada Brook <ada@example.org>\nEnviada em: segunda-feira, 3 de fevereiro de 2025 12:34\nPara: Grace\nAssunto: Almoço",
    "Van: Ada Brook <ada@example.org>\nVerzonden: maandag 3 februari 2025 12:34\nAan: Grace\nOnderwerp: Lunch",
    "Van: Ada Brook <ada@example.org>\nGestuur: Maandag, 3 Februarie 2025 12:34\nAan: Grace\nOnderwerp: Middagete",
    "Från: Ada Brook <ada@example.org>\nSkickat: den 3 februari 2025 12:34\nTill: Grace\nÄmne: Lunch",
    "Fra: Ada Brook <ada@example.org>\nSendt: 3. februar 2025 12:34\nTil: Grace\nEmne: Frokost",
    "Lähettäjä: Ada Brook <ada@example.org>\nLähetetty: maanantai 3. helmikuuta 2025 12.34\nVastaanottaja: Grace\nAihe: Lounas",
    "Od: Ada Brook <ada@example.org>\nWysłano: poniedziałek, 3 lutego 2025 12:34\nDo: Grace\nTemat: Obiad",
    "Od: Ada Brook <ada@example.org>\nOdesláno: pondělí 3. února 2025 12:34\nKomu: Grace\nPředmět: Oběd",
    "Feladó: Ada Brook <ada@example.org>\nElküldve: 2025. február 3., hétfő 12:34\nCímzett: Grace\nTárgy: Ebéd",
    "De la: Ada Brook <ada@example.org>\nTrimis: luni, 3 februarie 2025 12:34\nCătre: Grace\nSubiect: Prânz",
    "Od: Ada Brook <ada@example.org>\nPoslano: 3. veljače 2025. 12:34\nPrima: Grace\nPredmet: Ručak",
    "Saatja: Ada Brook <ada@example.org>\nSaadetud: esmaspäev, 3. veebruar 2025 12:34\nAdressaat: Grace\nTeema: Lõuna",
    "Oddi wrth: Ada Brook <ada@example.org>\nAnfonwyd: 3 Chwefror 2025 12:34\nAt: Grace\nPwnc: Cinio",
    "От: Ada Brook <ada@example.org>\nОтправлено: 3 февраля 2025 г. 12:34\nКому: Grace\nТема: Обед",
    "Kimden: Ada Brook <ada@example.org>\nGönderildi: 3 Şubat 2025 Pazartesi 12:34\nKime: Grace\nKonu: Öğle",
    "发件人: Ada Brook <ada@example.org>\n发送时间: 2025年2月3日 12:34\n收件人: Grace\n主题: 午饭",
    "差出人: Ada Brook <ada@example.org>\n送信日時: 2025年2月3日 12:34\n宛先: Grace\n件名: 昼食",
];

/// What programs write above an older mail, between dashes.
const SEPARATORS: &[&str] = &[
    "-----Original Message-----",
    "-------- Original Message --------",
    "-----Ursprüngliche Nachricht-----",
    "-----Message d'origine-----",
    "-----Mensaje original-----",
    "-----Messaggio originale-----",
    "-----Mensagem original-----",
    "-----Oorspronkelijk bericht-----",
    "-----Ursprungligt meddelande-----",
    "-----Oprindelig meddelelse-----",
    "-----Opprinnelig melding-----",
    "-----Alkuperäinen viesti-----",
    "-----Oryginalna wiadomość-----",
    "-----Eredeti üzenet-----",
    "-----Mesaj original-----",
    "-----Izvorna poruka-----",
    "-----Algsõnum-----",
    "-----Missatge original-----",
    "-----Oorspronklike boodskap-----",
    "-----Neges Wreiddiol-----",
    "-----Исходное сообщение-----",
    "------------------ 原始邮件 ------------------",
    "-----元のメッセージ-----",
];

const SENT_FROM: &[&str] = &[
    "Sent from my iPhone",
    "Sent from Yahoo Mail on Android",
    "Sent from Mail for Windows",
    "Get Outlook for iOS",
    "Von meinem iPhone gesendet",
    "Envoyé de mon iPhone",
    "Enviado desde mi iPhone",
    "Enviat des del meu iPhone",
    "Inviato da iPhone",
    "Enviado do meu iPhone",
    "Verstuurd vanaf mijn iPhone",
    "Gestuur vanaf my iPhone",
    "Skickat från min iPhone",
    "Sendt fra min iPhone",
    "Lähetetty iPhonesta",
    "Wysłane z iPhone'a",
    "Odesláno z iPhonu",
    "Elküldve az iPhone-omról",
    "Trimis de pe iPhone-ul meu",
    "Poslano s mog iPhonea",
    "Saadetud minu iPhone'ist",
    "Anfonwyd o fy iPhone",
    "Отправлено с iPhone",
    "iPhone'umdan gönderildi",
    "发自我的iPhone",
    "iPhoneから送信",
];

/// A disclaimer in each language of the corpus.
const DISCLAIMERS: &[&str] = &[
    "This email and any attachments are confidential and intended solely for the addressee. If you have received this in error, please notify the sender and delete it.",
    "CONFIDENTIALITY NOTICE: The contents of this message are privileged. Any unauthorized disclosure is prohibited.",
    "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Empfänger sind, informieren Sie bitte den Absender und vernichten Sie diese Mail.",
    "Ce message est confidentiel et destiné à son seul destinataire. Si vous l'avez reçu par erreur, merci d'en avertir l'expéditeur et de le détruire.",
    "Este mensaje es confidencial y va dirigido a su destinatario. Si lo ha recibido por error, avise al remitente y elimínelo.",
    "Aquest missatge és confidencial i va adreçat al seu destinatari. Si l'heu rebut per error, aviseu el remitent i esborreu-lo.",
    "Questo messaggio è riservato al destinatario. Se lo avete ricevuto per errore, avvisate il mittente e cancellatelo; ogni divulgazione è vietata.",
    "Esta mensagem é confidencial e destina-se ao destinatário. Se a recebeu por engano, avise o remetente e apague-a.",
    "Dit bericht is vertrouwelijk en uitsluitend bestemd voor de geadresseerde. Bij ten onrechte ontvangst verzoeken wij u de afzender te waarschuwen.",
    "Hierdie e-pos is vertroulik en bedoel vir die geadresseerde. As u dit verkeerdelik ontvang het, stel die sender in kennis en vernietig dit.",
    "Detta meddelande är konfidentiellt och avsett för mottagaren. Om du har fått det av misstag, meddela avsändaren och radera det.",
    "Denne e-mail er fortrolig og beregnet for modtageren. Har du modtaget den ved en fejl, bedes du underrette afsenderen og slette den.",
    "Denne e-posten er konfidensiell og beregnet for mottakeren. Har du fått den ved en feil, varsle avsenderen og slett den.",
    "Tämä viesti on luottamuksellinen ja tarkoitettu vain vastaanottajalle. Jos sait sen erehdyksessä, ilmoita lähettäjälle ja poista se.",
    "Niniejsza wiadomość jest poufna i przeznaczona dla adresata. Jeśli otrzymali ją Państwo omyłkowo, prosimy powiadomić nadawcę i usunąć ją.",
    "Tento e-mail je důvěrný a určený pouze příjemci. Pokud jste jej obdrželi omylem, informujte odesílatele a smažte jej.",
    "Ez az üzenet bizalmas, kizárólag a címzettnek szól. Ha tévedésből kapta meg, kérjük értesítse a feladót, és törölje.",
    "Acest mesaj este confidențial și destinat exclusiv destinatarului. Dacă l-ați primit din greșeală, anunțați expeditorul și ștergeți-l.",
    "Ova poruka je povjerljiva i namijenjena primatelju. Ako ste je primili greškom, obavijestite pošiljatelja i obrišite je.",
    "See kiri on konfidentsiaalne ja mõeldud adressaadile. Kui saite selle ekslikult, teavitage saatjat ja kustutage see.",
    "Mae'r neges hon yn gyfrinachol ac wedi'i bwriadu i'r derbynnydd. Os cawsoch hi drwy gamgymeriad neu wall, rhowch wybod i'r anfonwr a'i dileu.",
    "Данное сообщение конфиденциально и предназначено получателю. Если вы получили его по ошибке, сообщите отправителю и удалите его.",
    "本邮件含有保密信息，仅供指定收件人使用。如果您误收了本邮件，请立即通知发件人并删除本邮件及其附件，禁止任何形式的复制、传播或使用其中的内容，谢谢您的理解与配合，我们对此造成的任何不便深表歉意，敬请谅解。",
    "このメールには機密情報が含まれており、宛先の受信者のみを対象としています。誤って受信された場合は、送信者に連絡し、直ちに削除してください。内容の開示、複製、配布は固く禁じられています。ご協力をお願いいたします。",
];

const WORDS: &str = "Yes, that works.\n\nSee you there";

#[test]
fn quoted_history_goes_in_every_language() {
    for introduction in INTRODUCTIONS {
        for quote in ["> Lunch at noon?\n> Ada", ">\n> Lunch?\n>\n>> Or dinner?", "[...]\n> Lunch?"] {
            assert_eq!(own(&format!("{WORDS}\n\n{introduction}\n{quote}\n")), WORDS, "{introduction}");
            assert_eq!(own(&format!("{introduction}\n\n{quote}\n\n{WORDS}\n")), WORDS, "{introduction}");
        }
    }
}

#[test]
fn history_without_signs_goes_when_nothing_else_is_possible() {
    let dated = INTRODUCTIONS.iter().filter(|text| !text.starts_with("W dniu"));
    for introduction in dated {
        assert_eq!(own(&format!("{WORDS}\n\n{introduction}\n\nLunch at noon?\nAda\n")), WORDS, "{introduction}");
    }
    for headers in HEADERS {
        assert_eq!(own(&format!("{WORDS}\n\n{headers}\n\nLunch at noon?\nAda")), WORDS, "{headers}");
        assert_eq!(own(&format!("{WORDS}\n________________________________\n{headers}\n\nLunch?")), WORDS, "{headers}");
        let all = format!("{headers}\n\nLunch at noon?");
        assert_eq!(own(&all), all, "a forwarded mail without own words stays: {headers}");
    }
    for separator in SEPARATORS {
        assert_eq!(own(&format!("{WORDS}\n\n{separator}\nLunch at noon?")), WORDS, "{separator}");
        assert_eq!(own(&format!("{WORDS}\n\n{separator}\n{}\n\nLunch?", HEADERS[0])), WORDS, "{separator}");
    }
    let unknown = "----- Neznano sporočilo -----\nKdo: Ada <ada@example.org>\nKdaj: 3.2.2025\nKaj: Kosilo\n\nKosilo?";
    assert_eq!(own(&format!("{WORDS}\n\n{unknown}")), WORDS, "a language we do not know");
}

#[test]
fn answers_between_quotations_stay() {
    let text = "Hi Ada,\n\nOn Mon, 3 Feb 2025 at 12:34, Ada <ada@example.org> wrote:\n> Lunch?\n\nYes.\n\n> Where?\nAt Joe's.\n> When?\n\nAt noon.\n\n-- \nGrace\n";
    assert_eq!(own(text), "Hi Ada,\n\nYes.\n\nAt Joe's.\n\nAt noon.");
    let bars = "Ada wrote:\n| Lunch?\n| Where?\n\nAt Joe's.";
    assert_eq!(own(bars), "At Joe's.");
    let initials = "Hello Ada,\n\nAB> Lunch?\nAB> Where?\n\nAt Joe's.";
    assert_eq!(own(initials), "Hello Ada,\n\nAt Joe's.");
    // Below headers, nothing tells whose words are whose; but the author says that there are some.
    for cue in
        ["My answers are in red below.", "See my comments inline.", "Antworten im Text.", "Mes réponses ci-dessous."]
    {
        let text = format!("{cue}\n\n{}\n\nLunch?\nYES\nWhere?\nAT JOE'S", HEADERS[0]);
        assert_eq!(own(&text), text, "{cue}");
    }
}

#[test]
fn signatures_footers_and_disclaimers_go() {
    for line in SENT_FROM {
        assert_eq!(own(&format!("{WORDS}\n\n{line}\n")), WORDS, "{line}");
        assert_eq!(own(&format!("{WORDS}\n\n{line}\n\n{}\n> Lunch?", INTRODUCTIONS[0])), WORDS, "{line}");
    }
    for disclaimer in DISCLAIMERS {
        assert_eq!(own(&format!("{WORDS}\n\n{disclaimer}\n")), WORDS, "{disclaimer}");
    }
    for (text, words) in [
        ("Hi.\n\n-- \nAda\nhttp://example.org", "Hi."),
        ("Hi.\n--\nAda", "Hi."),
        ("Hi.\n\n-Ada Brook", "Hi."),
        (
            "Hi.\n\nBest regards,\nAda Brook\nHead of Engines\n+44 20 7946 0018\nada@example.org",
            "Hi.\n\nBest regards,\nAda Brook",
        ),
        (
            "Hallo.\n\nMit freundlichen Grüßen\nAda Brook\n\nBrook GmbH\nTel. 030 1234567",
            "Hallo.\n\nMit freundlichen Grüßen\nAda Brook",
        ),
        (
            "Hi.\n_______________________________________________\nEngines mailing list\nEngines@example.org\nhttp://example.org/list",
            "Hi.",
        ),
        (
            "Hi.\n\n--\nYou received this message because you are subscribed to the Google Groups \"engines\" group.\nTo unsubscribe from this group, write to x@example.org.",
            "Hi.",
        ),
        (
            "Hi.\nThis e-mail is confidential and may be privileged. If you are not the intended recipient,\ndelete it and notify the sender.",
            "Hi.",
        ),
        (
            "[EXTERNAL] CAUTION: This email originated from outside of the organization. Do not click links.\n\nHi.",
            "Hi.",
        ),
    ] {
        assert_eq!(own(text), words, "{text}");
    }
}

#[test]
fn what_only_looks_like_history_stays() {
    for text in [
        "On Monday I will be away.\n\nOn Tuesday, too:\nask Bob.",
        "He wrote:\n\nnothing of note, as always.",
        "Itinerary\n\nFrom: Paris\nTo: London\nDate: 3 May\n\nBring a coat.",
        "Please run:\n\n>>> import this\n>>> 1 + 1\n2\n\nand tell me.",
        ">From here on it gets easier.\n\nRegards",
        "One\n\n-----\n\nTwo says a lot of things that matter to all of us.\n\n-----\n\nThree does as well, and then some more.",
        "Sent from my desk, which is much easier than my phone.",
        "I'd like the confidential report, please. Delete the old one.",
        "Agenda:\n\n--\nFirst we talk about the budget of the next year and about who will own it.\n--\nThen we eat.\n--\nThen we go.",
        "Thanks,\nAda",
        "Send it to ada@example.org by 3.5.2025 12:00. My reasons:\n\nIt is due then.",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "",
    ] {
        assert_eq!(own(text), text, "{text}");
    }
}

#[test]
fn html_says_what_is_quoted() {
    let words = "Yes, that works.\n\nSee you";
    let reply = "<div>Yes, that works.</div><br><div>See you</div>";
    for quote in [
        "<div class=\"gmail_quote\"><div dir=ltr class=\"gmail_attr\">Nieznany język 3.2 Ada:<br></div><blockquote class=\"gmail_quote\" style=\"border-left:1px solid\">Lunch?<br>Ada</blockquote></div>",
        "<blockquote type=\"cite\"><div>On Feb 3, 2025, Ada wrote:</div><br><div>Lunch?</div></blockquote>",
        "<div class=\"moz-cite-prefix\">Am 3.2. schrieb jemand<br></div><blockquote type=\"cite\" cite=\"mid:1\"><p>Lunch?</p></blockquote>",
        "<div id=\"appendonsend\"></div><hr style=\"width:98%\"><div id=\"divRplyFwdMsg\"><b>Xxx:</b> Ada<br><b>Yyy:</b> now</div><div>Lunch?</div>",
        "<div style=\"border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in\"><p><b>Xxx:</b> Ada</p></div><p>Lunch?</p>",
        "<div id=\"yahoo_quoted_1\" class=\"yahoo_quoted\"><div>On Monday, Ada wrote:</div><div>Lunch?</div></div>",
        "<div class=\"protonmail_quote\">On Monday, 3 February 2025 at 12:34, Ada &lt;ada@example.org&gt; wrote:<br><blockquote class=\"protonmail_quote\" type=\"cite\">Lunch?</blockquote></div>",
        "<div class=\"gmail_signature\">Grace<br>Navy</div><blockquote>Lunch?</blockquote>",
        "<div id=\"Signature\"><p>Grace</p></div><div><blockquote style=\"border-left: 2px solid\">Lunch?</blockquote></div>",
    ] {
        assert_eq!(own_of_html(&format!("<html><body>{reply}{quote}</body></html>")), words, "{quote}");
    }
    let inline = "<div class=gmail_quote><div class=gmail_attr>On x Ada wrote:</div><blockquote>Lunch?</blockquote><div>Yes.</div><blockquote>Where?</blockquote><div>Joe's.</div></div>";
    assert_eq!(own_of_html(inline), "Yes.\n\nJoe's.");
    let indented =
        "<p>As they say:</p><blockquote style=\"margin:0 0 0 40px;border:none\">no lunch, no work</blockquote>";
    assert_eq!(own_of_html(indented), "As they say:\n\nno lunch, no work");
    for only in ["<blockquote type=cite>Lunch?</blockquote>", "<div class=gmail_signature>Grace</div>"] {
        assert_eq!(own_of_html(only), html::to_text(only, 100), "{only}");
    }
}

#[test]
fn marks_leave_the_text_as_it_was() {
    for html in [
        "<blockquote>a</blockquote>b",
        "<p>a</p><blockquote><p>b</p><blockquote>c</blockquote></blockquote><div class=gmail_signature>d</div>",
        "<div><blockquote>a</div>b<blockquote></blockquote>c<hr id=zwchr>d",
    ] {
        assert_eq!(split(&html::to_marked_text(html, 1_000)).0, html::to_text(html, 1_000), "{html}");
    }
}

/// What is left of the inputs that come with a Python library for the same purpose, as its tests ask for.
#[test]
fn the_corpus_is_trimmed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/reply/zapier-email-reply-parser");
    if !folder.is_dir() {
        return println!("skipped: there is no corpus of replies beside this repository");
    }
    // Bodies come here with their lines' ends made one.
    let read = |name: &str| fs::read_to_string(folder.join(name).with_extension("txt")).unwrap().replace("\r\n", "\n");
    let own_of = |name: &str| own(read(name).trim_end());
    for (name, words) in [
        ("correct_sig", "this is an email with a correct -- signature."),
        ("email_1_3", "Oh thanks.\n\nHaving the function would be great."),
        ("email_1_4", "Awesome! I haven't had another problem with it."),
        ("email_1_6", "I get proper rendering as well."),
        ("email_1_7", ":+1:"),
        ("email_1_8", "I will reply under this one\n\nand under this."),
        ("email_2_1", "Outlook with a reply"),
        ("email_2_2", "Outlook with a reply directly above line"),
        ("email_2_3", "Outlook with a reply above headers using unusual format"),
        ("email_BlackBerry", "Here is another email"),
        ("email_gmail", "This is a test for inbox replying to a github message."),
        ("email_headers_no_delimiter", "And another reply!"),
        ("email_iPhone", "Here is another email"),
        ("email_multi_word_sent_from_my_mobile_device", "Here is another email"),
    ] {
        assert_eq!(own_of(name), words, "{name}");
    }
    for (name, ends, without) in [
        ("email_1_1", "using the Java HTTP API.", "-Abhishek"),
        ("email_1_2", "delete them all individually.\"", "Abhishek Kona wrote:"),
        ("email_1_5", "for a while.", "\0"),
        ("email_bullets", "- and another", "Joe Smith"),
        ("email_one_is_not_on", "when I run...", "Dave Tapley"),
        ("email_partial_quote_header", "is not working.", "George Plymale"),
        ("email_sent_from_my_not_signature", "then my mobile phone.", "\0"),
        ("email_sig_delimiter_in_middle_of_line", "kthxbai", "\0"),
        ("greedy_on", "is not working.", "George Plymale"),
        ("pathological", "get back to a computer.", "John Sullivan"),
    ] {
        let own = own_of(name);
        assert!(own.ends_with(ends) && !own.contains(without), "{name}: {own}");
    }
}

#[test]
fn hostile_text_takes_linear_time() {
    let start = std::time::Instant::now();
    let units = [
        "\n",
        ">\n",
        "a\n",
        "a:\n",
        "On 1 wrote:\n",
        "-- \n",
        "--\na\n",
        "From: a\n",
        "To: a@b\nSubject: 1\n",
        "Sent from my iPhone\n",
        "____\n",
        "\u{fdd0}\n",
        "\u{fdd4}a\n\n",
        "confidential ",
        "a@b 2001 10:10:\n\n",
        "01/01/2001 10:10\n",
        "[...]\n",
        "wrote: ",
        "|a\nb wrote:\n",
        "Ab> \n",
    ];
    for unit in units {
        for after in ["x\n", "> y\n"] {
            own(&(unit.repeat(30_000 / unit.len()) + after));
        }
    }
    // A megabyte in all; a quadratic path would take an hour.
    assert!(start.elapsed().as_secs() < 120);
}

fn is_subsequence(own: &str, text: &str) -> bool {
    let mut lines = text.split('\n');
    own.split('\n').all(|line| lines.any(|other| other == line || (line.is_empty() && other.trim().is_empty())))
}

const PIECES: &str = "(> |>|\n|\n\n|-- \n|--\n|----|____________\n|wrote:|On |a@b\\.c|2001|10:10|From: |To: |Date: |Subject: |Cc: |a|é|Thanks,\n|Ada\n|\
    Sent from my iPhone\n|Original Message|\\[\\.\\.\\.\\]|\u{fdd0}|\u{fdd1}|\u{fdd2}|\u{fdd3}|\u{fdd4}|confidential |prohibited |delete |sender |\\||AB> | |:|\
    http://a|mailing list\n|unsubscribe|schrieb|于|写道：|.){0,60}";

fn check(text: &str) -> Result<(), TestCaseError> {
    let (whole, words) = split(text);
    let words = words.unwrap_or_else(|| whole.clone());
    prop_assert!(is_subsequence(&words, &whole), "{words:?} in {whole:?}");
    prop_assert_eq!(words.trim().is_empty(), whole.trim().is_empty());
    prop_assert_eq!(own(&words), words);
    Ok(())
}

proptest! {
    #[test]
    fn own_words_are_lines_of_the_text_and_settled(text in PIECES) {
        check(&text)?;
    }

    #[test]
    fn any_text_has_own_words(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn any_html_has_own_words(html in "(<blockquote>|</blockquote>|<div class=gmail_attr>|<div id=Signature>|<div>|</div>|<hr id=zwchr>|<br>|<p>|a|b |> |<){0,40}") {
        let marked = html::to_marked_text(&html, 1_000);
        prop_assert_eq!(split(&marked).0, html::to_text(&html, 1_000));
        check(&marked)?;
    }
}
