namespace Cosmo.Local.Emulators.OpenAI.Rules;

/// <summary>The texts of <see cref="Showpieces"/>.</summary>
internal static class ShowpieceTexts
{
    public const string Story = """
        # The lighthouse that answered

        *A story that Cosmo's local emulator knows by heart; no model was asked.*

        On the westernmost of the islands stood a lighthouse, and in it lived Amihan, who had kept the light for so long that the gulls took her for a part of the building. Ships came by every night. Each of them asked the same question, in short and long flashes: *where am I?* And every night Amihan answered each of them, one after the other, in the order in which they had asked.

        ## The night of the many ships

        One November a typhoon drove the whole fishing fleet home at once. Forty boats flashed their question at the same moment. Amihan had one lamp and two hands. She could have answered all of them a little, and none of them well; instead she lit a small lantern for every boat and hung it on the rail. **I have heard you**, said a lantern. **Your turn will come.** Nobody turned away, and nobody asked twice.

        At two in the morning the lamp went out. It did so in the middle of an answer, to a boat called *Ligaya*: the first half of her position had been sent, the second had not. Another keeper might have begun anew, or might have thought that half an answer is better than none. Amihan looked into her book, where she wrote down every flash as she sent it, found the place, and went on from there. On the *Ligaya* they noticed nothing but a longer pause.

        ## What the inspector wrote

        In the spring an inspector came from the capital. He counted the steps, tasted the soup, and read the book of the night from its first page to the last. Then he asked how it could be that forty boats had asked and forty had been answered, each once, with a lamp that had failed three times.

        "I do very little," said Amihan. "I write down what I have promised before I promise it. I do one thing at a time for each of them. And when I do not know, I say that I do not know."

        The inspector thought about that for as long as it takes to drink a cup of tea. He wrote one sentence into his report, and it is still there:

        > The light is in good order; so is the book; it is the book that brings them home.

        ## The end

        Amihan grew old, and the lamp was replaced by a better one, which needs nobody to turn it. But the book lies in the lantern room to this day. And when the wind comes from the west, and a boat far out asks where it is, there are people who say that the answer comes a little before the lamp turns round.
        """;

    public const string Table = """
        Here are three of the offices that a customer of KMC might compare. The figures are made up.

        | Office | City | Desks | Per desk and month | Rating |
        | :-- | :-- | --: | --: | :-: |
        | Sky Tower, floor 12 | Makati | 24 | ₱ 14,500 | ★★★★★ |
        | The Garden | Cebu | 60 | ₱ 11,200 | ★★★★☆ |
        | Harbour View, *with a terrace* | Taguig | 8 | ₱ 16,900 | ★★★☆☆ |

        The desks are those that are free; the price has no tax in it.
        """;

    public const string Code = """
        This asks Cosmo from a browser and prints the answer as it grows:

        ```ts
        import { connect } from "@cosmo/client";

        const chat = connect({ api: "https://YOUR-APP.azurewebsites.net/api", channel: "user_session_abc123" });
        chat.on("messages", (turns) => console.log(turns.at(-1)?.answer));
        await chat.ask("Weather in Makati?");
        ```

        The same from a terminal, with `curl` and a function key:

        ```sh
        curl -X POST "https://YOUR-APP.azurewebsites.net/api/channels/user_session_abc123/messages?code=$KEY" -d '{"message": "Weather in Makati?"}'
        ```

        The answer to that is `202`, and the text comes over the connection.
        """;

    public const string List = """
        ## Moving a team into a new office

        1. **A month before**
           - Count the desks, and two more
           - Order the internet line; it takes longest
        2. **A week before**
           - [x] Labels for the boxes
           - [ ] Badges for everybody
           - [ ] A plan of who sits where
        3. **On the day**
           - Someone with keys at each end
           - Water, and something to eat

        Then ask for the weather on that day.
        """;

    public const string Markdown = """
        # Text in full dress

        ## It has headings

        And paragraphs with **strong**, *emphasised*, ***both***, ~~struck~~ words, `code`, and [a link to the documentation](https://learn.microsoft.com/azure/azure-functions/).

        - Lists
          - in lists
          - with `code`
        - and with very long words: Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft

        1. Numbers
        2. too

        > Quotes, which may have
        >
        > more than one paragraph.

        ```json
        { "code": true, "blocks": ["with", "a", "button", "to", "copy"] }
        ```

        | Tables | with | columns |
        | --- | :-: | --: |
        | left | middle | right |

        ---

        مرحبا: a paragraph in Arabic stands right to left. 👋🏽

        هذه فقرة باللغة العربية، وتبدأ من اليمين.

        ![An image, which is not loaded by itself](https://example.com/image.png)
        """;

    /// <summary>What each front end has to show as the text that it is. Nothing of it may run, load or lead anywhere.</summary>
    public const string Hostile = """
        Some of what follows would do harm if it were believed.

        <script>alert("script")</script>

        <img src=x onerror=alert("image")>

        <svg onload=alert("svg")><iframe src="https://example.com/frame"></iframe>

        <form action="https://example.com/form"><input name=password><button>Sign in again</button></form>

        <a href="https://example.com/" onclick=alert("click")>raw link</a> <style>body { display: none }</style>

        ![leak](https://example.com/leak.png?secret=1) and ![data](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)

        [one](javascript:alert(1)) [two](JaVaScRiPt:alert(2)) [three](java&#115;cript:alert(3)) [four](data:text/html,<script>alert(4)</script>) [five](vbscript:msgbox(5)) [six]( javascript:alert(6))

        [seven][ref] <javascript:alert(8)> [nine](//example.com/relative) [ten](https://example.com/"onmouseover="alert(10))

        [ref]: javascript:alert(7)

        ```html
        <script>alert("code")</script>
        ```

        | a <img src=x onerror=alert(11)> | b |
        | --- | --- |
        | `<script>alert(12)</script>` | <b onmouseover=alert(13)>c</b> |

        And this is [an honest link](https://example.com/honest).
        """;

    public const string BeforeFailure =
        "This answer begins as any other does, and is going to break off, because you asked for something to go wrong. These words are never seen.";
}
